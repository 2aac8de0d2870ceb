import { beforeAll, expect, it } from "vitest";
import { prepareBrowser } from "./browser.ts";
import type { Organization } from "./organization.ts";

const app = prepareBrowser();
const SOURCE = "# Restart\n\n```bash {name=restart}\nsystemctl restart web\n```\n";
let organization: Organization;

beforeAll(async () => {
  organization = await app.organization();
});

it("marks what is wrong where it is wrong, and leads there", async () => {
  const page = await app.logged(organization);
  await page.goto("/runbooks/new");
  const source = page.getByRole("textbox", { name: "Source of the runbook" });
  await source.fill("# Broken\n\n```bash {nmae=x}\ntrue\n```\n");
  const problem = page.getByRole("region", { name: "Problems" }).getByRole("button");
  expect(await problem.textContent()).toMatch(/unknown attribute "nmae".*3:10$/);
  await page.locator(".cm-lintRange-error").waitFor();
  expect(await page.getByRole("button", { name: /^Create/ }).isDisabled()).toBe(true);
  await problem.click();
  await page.keyboard.press("Shift+End");
  await page.keyboard.type("name=x}");
  await page.getByRole("region", { name: "Problems" }).waitFor({ state: "detached" });
  expect(await page.getByRole("button", { name: /^Create/ }).isEnabled()).toBe(true);
});

it("warns of what was pasted and saves it all the same, and says what does not run", async () => {
  const page = await app.logged(organization);
  await page.goto("/runbooks/new");
  const source = page.getByRole("textbox", { name: "Source of the runbook" });
  await source.fill("# Pasted\n\n```bash\n$ uptime\n```\n\n```zsh\nls\n```\n");
  const problem = page.getByRole("region", { name: "Problems" }).getByRole("button");
  expect(await problem.textContent()).toMatch(/^Warning: this line begins with a prompt.*4:1$/);
  await page.locator(".cm-lintRange-warning").waitFor();
  expect(await page.getByRole("button", { name: /^Create/ }).isEnabled()).toBe(true);
  expect(await page.getByText("shown, not run", { exact: true }).count()).toBe(1);
});

it("shows the words of HTML in prose, its pictures as links, and the title once", async () => {
  const runbook = await organization.write(
    [
      "Read this first.",
      "# Only once",
      "<details>\n<summary>More of it</summary>",
      "Hidden words.",
      "</details>",
      'See <img src="https://example.com/a.png" alt="the map"> or <img src=x alt=nothing> &amp; <b>go</b>.',
    ].join("\n\n"),
  );
  const page = await app.logged(organization);
  await page.goto(`/runbooks/${runbook.id}`);
  await page.getByText("See the map or nothing & go.").waitFor();
  await page.getByText("More of it", { exact: true }).waitFor();
  const map = page.getByRole("link", { name: "the map" });
  expect(await map.getAttribute("href")).toBe("https://example.com/a.png");
  expect(
    await page
      .locator("main")
      .getByText(/<|details/)
      .count(),
  ).toBe(0);
  expect(await page.getByRole("heading", { name: "Only once" }).count()).toBe(1);
});

it("saves a new version, and explains when somebody else saved first", async () => {
  const runbook = await organization.write(SOURCE);
  const page = await app.logged(organization);
  await page.goto(`/runbooks/${runbook.id}/edit`);
  const source = page.getByRole("textbox", { name: "Source of the runbook" });
  await source.fill(SOURCE.replace("Restart", "Restart, mine"));
  const current = await organization.client.raw("GET", `/api/v1/runbooks/${runbook.id}`);
  const theirs = await organization.client.raw("PUT", `/api/v1/runbooks/${runbook.id}`, {
    body: { source: SOURCE.replace("Restart", "Restart, theirs") },
    headers: { "if-match": current.headers.get("etag") ?? "" },
  });
  expect(theirs.status).toBe(200);
  await page.keyboard.press("Control+s");
  await page.getByRole("heading", { name: "Somebody saved this runbook while you were editing" }).waitFor();
  await page.getByRole("button", { name: "Save mine as the newest" }).click();
  await page.getByText("Saved as version 3").waitFor();
  await page.getByRole("heading", { name: "Restart, mine", level: 1 }).waitFor();
  await page.getByRole("link", { name: /^v2/ }).click();
  await page.getByRole("heading", { name: "Restart, theirs", level: 1 }).waitFor();
});

it("asks before unsaved text is left", async () => {
  const page = await app.logged(organization);
  await page.goto("/runbooks/new");
  await page.getByRole("textbox", { name: "Source of the runbook" }).fill("# Unsaved");
  await page.getByRole("link", { name: "Agents" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Stay here" }).click();
  expect(page.url()).toContain("/runbooks/new");
  await page.getByRole("link", { name: "Agents" }).click();
  await page.getByRole("button", { name: "Leave" }).click();
  await page.waitForURL(/\/agents$/);
});

it("deletes a runbook only after asking", async () => {
  const runbook = await organization.write(SOURCE.replace("Restart", "Short-lived"));
  const page = await app.logged(organization);
  await page.goto(`/runbooks/${runbook.id}`);
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await page.getByRole("button", { name: "Delete runbook" }).click();
  await page.getByText("The runbook is deleted").waitFor();
  await page.waitForURL(/\/runbooks$/);
  expect(await page.getByRole("link", { name: "Short-lived" }).count()).toBe(0);
});
