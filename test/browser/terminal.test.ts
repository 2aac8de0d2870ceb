import { beforeAll, expect, it } from "vitest";
import { prepareBrowser, shownLines } from "./browser.ts";
import type { Organization } from "./organization.ts";

const app = prepareBrowser();
let organization: Organization;

beforeAll(async () => {
  organization = await app.organization();
  await organization.startAgent();
});

const ESC = "\u001b";
const BEL = "\u0007";

/** What a hostile program prints, and all that may be seen of it. */
const CORPUS: readonly (readonly [payload: string, shown: string])[] = [
  [`<img src=x onerror="document.title='owned'">`, `<img src=x onerror="document.title='owned'">`],
  [`<script>fetch("https://evil.example/")</script>`, `<script>fetch("https://evil.example/")</script>`],
  [`${ESC}]8;;https://evil.example/${ESC}\\click me${ESC}]8;;${ESC}\\`, "click me"],
  [`${ESC}]8;;javascript:alert(1)${BEL}click me${ESC}]8;;${BEL}`, "click me"],
  [`clip ${ESC}]52;c;b3duZWQ=${BEL}board`, "clip board"],
  [`${ESC}]0;owned${BEL}${ESC}]2;owned${ESC}\\title`, "title"],
  [`${ESC}P1$r0m${ESC}\\dcs`, "dcs"],
  [`${ESC}_apc${ESC}\\${ESC}^pm${ESC}\\${ESC}Xsos${ESC}\\strings`, "strings"],
  [`${ESC}[2J${ESC}[3J${ESC}[H${ESC}[1;1Hclear`, "clear"],
  [`${ESC}[?1049h${ESC}[?25lmodes${ESC}c`, "modes"],
  [`${ESC}[5nask${ESC}[c${ESC}[6n`, "ask"],
  [`user \u202egpj.exe\u202c \u2066hidden\u2069`, "user gpj.exe hidden"],
  [`\u009b31mc1\u009d0;owned\u009c`, "c1"],
  [`${ESC}[38;2;999;0;0mbad colour${ESC}[0m`, "bad colour"],
  [`${ESC}[${"9;".repeat(5_000)}mlong`, "long"],
  [`style" onmouseover="alert(1)`, `style" onmouseover="alert(1)`],
  ["javascript:alert(1)", "javascript:alert(1)"],
  [`null\0byte`, "nullbyte"],
  [`${ESC}]0;never ended`, ""],
  ["the end", "the end"],
];

it("[S11] terminal output becomes text, whatever it holds", async () => {
  const bytes = Buffer.from(CORPUS.map(([payload]) => `${payload}\n`).join(""));
  const id = await organization.runToEnd(`base64 -d <<'END'\n${bytes.toString("base64")}\nEND`);
  const page = await app.logged(organization);
  const elsewhere: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(organization.client.url)) elsewhere.push(request.url());
  });
  page.on("dialog", (dialog) => {
    elsewhere.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto("/runbooks");
  await page.evaluate(() => navigator.clipboard.writeText("untouched"));
  await page.goto(`/executions/${id}`);
  await page.getByText("the end", { exact: true }).waitFor();

  expect(await shownLines(page)).toEqual(CORPUS.map(([, shown]) => shown));
  expect(await page.title()).toBe("Succeeded: Script · Farhand");
  const kinds = await page
    .locator(".log-text")
    .evaluateAll((rows) =>
      rows.flatMap((row) => Array.from(row.querySelectorAll("*"), (each) => each.tagName)),
    );
  expect(kinds.filter((kind) => kind !== "SPAN")).toEqual([]);
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("untouched");
  expect(elsewhere).toEqual([]);
});

it("[S11] raw output is served as plain text that nothing may sniff", async () => {
  const id = await organization.runToEnd("echo '<script>alert(1)</script>'");
  for (const path of [`steps/step/output?stream=stdout`, "output"]) {
    const response = await organization.client.raw("GET", `/api/v1/executions/${id}/${path}`);
    expect(response.headers.get("content-type")).toContain("text/plain");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.text()).toContain("<script>");
  }
});

it("[S11] a runbook's prose becomes elements, never HTML, and links only where a click may go", async () => {
  const runbook = await organization.write(
    [
      "# Prose",
      '<img src=x onerror="alert(1)"> <b>bold</b>',
      "[good](https://example.com) [bad](javascript:alert(1)) ![pixel](https://evil.example/p.png)",
      "```bash\ntrue\n```",
    ].join("\n\n"),
  );
  const page = await app.logged(organization);
  await page.goto(`/runbooks/${runbook.id}`);
  await page.getByRole("link", { name: "good" }).waitFor();
  const main = page.locator("main");
  expect(await main.locator("img, script, b").count()).toBe(0);
  expect(await main.getByText("bad", { exact: true }).evaluate((node) => node.closest("a"))).toBeNull();
  expect(
    await main
      .locator("a[href]")
      .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).protocol)),
  ).not.toContain("javascript:");
});

it("the page itself may run nothing but its own files", async () => {
  const response = await organization.client.raw("GET", "/");
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(await response.text()).not.toMatch(/<script(?![^>]*src=)/);
});
