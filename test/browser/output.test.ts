import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { prepareBrowser, shownLines } from "./browser.ts";
import type { Organization } from "./organization.ts";

const app = prepareBrowser();
let organization: Organization;

beforeAll(async () => {
  organization = await app.organization();
  await organization.startAgent();
});

describe("100,000 lines", () => {
  let id: string;
  beforeAll(async () => {
    id = await organization.runToEnd(
      "for i in $(seq 100000); do printf '\\033[3%dmline\\033[0m %d\\n' $((i % 8)) $i; done",
    );
  }, 60_000);

  it("scroll from end to end, with only the screen in the page", async () => {
    const page = await app.logged(organization);
    await page.goto(`/executions/${id}`);
    await page.getByText("line 1", { exact: true }).waitFor();
    const log = page.getByRole("log");
    await log.hover();
    for (let turn = 0; turn < 60; turn++) await page.mouse.wheel(0, 4_000);
    await page.getByRole("button", { name: "Jump to the end" }).click();
    await page.getByText("line 100000", { exact: true }).waitFor();
    await log.press("Home");
    await page.getByText("line 1", { exact: true }).waitFor();
    expect(await page.locator(".log-row").count()).toBeLessThan(100);
  });

  it("can be linked to, searched and copied", async () => {
    const page = await app.logged(organization);
    await page.goto(`/executions/${id}#step:54321`);
    const marked = page.locator('.log-row[data-marked="true"]');
    await marked.waitFor();
    expect(await marked.locator(".log-text").textContent()).toBe("line 54321\n");
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByLabel("Find in the output").fill("LINE 99999");
    await page.getByText("1 of 1 lines").waitFor();
    await page.locator(".log-row[data-marked]", { hasText: "line 99999" }).waitFor();
    const copied = await copyOutput(page);
    expect(copied.split("\n")).toHaveLength(100_001);
    expect(copied.slice(-12)).toBe("line 100000\n");
  });

  it("are followed while they come, until the reader scrolls up", async () => {
    const page = await app.logged(organization);
    const runbook = await organization.write(
      "# Flood\n\n```bash {name=flood}\nseq 1 50000; until [ -e go ]; do echo tick; sleep 0.1; done\n```\n",
    );
    const { id: running } = await organization.run(runbook);
    await page.goto(`/executions/${running}`);
    await page.locator(".log-text", { hasText: /^50000\s*$/ }).waitFor();
    await page.getByRole("log").hover();
    await page.mouse.wheel(0, -5_000);
    await page.getByRole("button", { name: "Jump to the end" }).waitFor();
    const before = await shownLines(page);
    await page.waitForFunction(() => /50,0(0[5-9]|[1-9])/.test(document.body.textContent ?? ""));
    expect(await shownLines(page)).toEqual(before);
    await page.getByRole("button", { name: "Jump to the end" }).click();
    await page.getByText("tick").last().waitFor();
    await organization.client.raw("POST", `/api/v1/executions/${running}/cancel`, { body: {} });
    await page.getByRole("link", { name: "Run again" }).waitFor();
  });
});

it("millions of lines, higher than a browser can scroll, can be scrolled to the last and line by line", async () => {
  const id = await organization.runToEnd("yes y | head -n 8000000; echo the last line");
  const page = await app.logged(organization);
  await page.goto(`/executions/${id}`);
  await page.getByRole("button", { name: "Jump to the end" }).click();
  await page.getByText("the last line", { exact: true }).waitFor();
  const last = () => page.locator(".log-number").last().textContent();
  expect(await last()).toBe("8000001");
  await page.getByRole("log").hover();
  await page.mouse.wheel(0, -600);
  await page.getByText("the last line", { exact: true }).waitFor({ state: "detached" });
  // Thirty rows up, no more: the wheel moves by what it says, whatever the scale.
  expect(Number(await last())).toBeGreaterThan(8_000_001 - 30);
});

it("[G8] a page whose socket breaks again and again shows every line once", async () => {
  const page = await app.logged(organization);
  let drops = 0;
  await page.routeWebSocket(/\/stream$/, (socket) => {
    const server = socket.connectToServer();
    let left = 40 + ((drops * 7) % 11);
    server.onMessage((message) => {
      if (left-- > 0) return socket.send(message);
      if (left !== -1) return;
      drops++;
      void socket.close({ code: 1012 });
      void server.close();
    });
  });
  const runbook = await organization.write(
    '# Slow\n\n```bash {name=slow}\nfor i in $(seq 200); do echo "row $i"; sleep 0.03; done\n```\n',
  );
  const { id } = await organization.run(runbook);
  await page.goto(`/executions/${id}`);
  await page.getByText(/^Succeeded in/).waitFor({ timeout: 50_000 });
  const rows = Array.from({ length: 200 }, (_, index) => `row ${index + 1}\n`);
  expect(await copyOutput(page)).toBe(rows.join(""));
  expect(drops).toBeGreaterThan(2);
});

it("says when it lost the connection, and goes on where it stopped", async () => {
  const page = await app.logged(organization);
  const drops = new Set<() => void>();
  let down = false;
  await page.routeWebSocket(/\/stream$/, (socket) => {
    if (down) return void socket.close({ code: 1012 });
    const server = socket.connectToServer();
    drops.add(() => {
      void server.close();
      void socket.close({ code: 1012 });
    });
  });
  const runbook = await organization.write(
    '# Patient\n\n```bash {name=patient}\nfor i in $(seq 1000); do echo "beat $i"; sleep 0.05; done\n```\n',
  );
  const { id } = await organization.run(runbook);
  await page.goto(`/executions/${id}`);
  await page.getByText("beat 1", { exact: true }).waitFor();
  down = true;
  for (const drop of drops) drop();
  await page.getByText("Reconnecting…").waitFor();
  down = false;
  await page.getByText("Reconnecting…").waitFor({ state: "detached", timeout: 30_000 });
  await organization.client.raw("POST", `/api/v1/executions/${id}/cancel`, { body: {} });
  await page.getByRole("link", { name: "Run again" }).waitFor();
  const beats = (await copyOutput(page)).trimEnd().split("\n");
  expect(beats).toEqual(beats.map((_, index) => `beat ${index + 1}`));
  expect(beats.length).toBeGreaterThan(40);
});

it("a line of a megabyte, bytes that are no text, and both streams are shown as they are", async () => {
  const id = await organization.runToEnd(
    "head -c 1000000 /dev/zero | tr '\\0' x; echo; printf 'bad \\377\\376 utf\\n'; sleep 0.3; echo oops >&2; sleep 0.3; printf '10%%\\r90%%\\r100%%\\nlast'",
  );
  const page = await app.logged(organization);
  await page.goto(`/executions/${id}`);
  await page.getByText("last", { exact: true }).waitFor();
  const lines = await shownLines(page);
  expect(lines[0]).toMatch(/^x{4000}… [\d,]+ or more characters left out$/);
  expect(lines.slice(1)).toEqual(["bad \ufffd\ufffd utf", "oops", "100%", "last"]);
  expect(await page.locator('.log-number[data-stream="stderr"]').textContent()).toBe("3");
  await page.getByRole("button", { name: "Wrap long lines" }).click();
  const row = page.locator(".log-row").first();
  await page.waitForFunction(() => (document.querySelector(".log-row")?.clientHeight ?? 0) > 200);
  expect((await row.boundingBox())?.width).toBeLessThan(1_280);
});

/** The whole output of the step that is shown, through the button that copies it. */
async function copyOutput(page: Page): Promise<string> {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy output" }).click();
  await page.getByText("Output copied").waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}
