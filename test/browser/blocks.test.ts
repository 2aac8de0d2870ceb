import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { BLOCK_KINDS } from "#protocol/runbook/fields.ts";
import { type DESK, fitsWidth, PHONE, prepareBrowser } from "./browser.ts";
import type { Organization } from "./organization.ts";

const app = prepareBrowser();
let organization: Organization;

beforeAll(async () => {
  organization = await app.organization();
});

/** An editor with a text in it, and the cursor at its end. */
async function editorWith(text: string, options?: typeof DESK | typeof PHONE): Promise<Page> {
  const page = await app.logged(organization, options);
  await page.goto("/runbooks/new");
  await page.getByRole("textbox", { name: "Source of the runbook" }).fill(text);
  await page.keyboard.press("Control+End");
  return page;
}

/** The source as the page has it, which is kept as a draft. */
function sourceOf(page: Page): Promise<string> {
  return page
    .locator(".cm-content")
    .evaluate((content) =>
      [...content.querySelectorAll(".cm-line")].map((line) => line.textContent ?? "").join("\n"),
    );
}

/** What axe finds, in light and in dark. */
async function problemsOf(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-theme=${colorScheme}]`).waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    found.push(
      ...violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`)),
    );
  }
  return found;
}

it("completes a block from its fence to its fields, by keyboard", async () => {
  const page = await editorWith("# Page\n\n");
  const options = page.getByRole("listbox").getByRole("option");
  await page.keyboard.type("```f");
  await options.filter({ hasText: "farhand" }).waitFor();
  await page.keyboard.press("Enter");
  await options.filter({ hasText: "approval" }).waitFor();
  await page.keyboard.type("tim");
  await page.locator(".cm-completionInfo", { hasText: "Waits, without an agent" }).waitFor();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+Space");
  await options.filter({ hasText: "duration" }).waitFor();
  await page.keyboard.type("dur");
  await page.locator(".cm-completionInfo", { hasText: "How long to wait, up to 30d" }).waitFor();
  expect(await problemsOf(page)).toEqual([]);
  await page.keyboard.press("Enter");
  await page.keyboard.type("5m");
  expect(await sourceOf(page)).toBe("# Page\n\n```farhand\nkind: timer\nduration: 5m\n```");
  expect(await page.getByRole("region", { name: "Problems" }).count()).toBe(0);
});

it("completes attributes and their values", async () => {
  const page = await editorWith("```bash {name=a ");
  const options = page.getByRole("listbox").getByRole("option");
  await page.keyboard.type("on-f");
  await options.filter({ hasText: "on-failure" }).waitFor();
  await page.keyboard.press("Enter");
  await options.filter({ hasText: "continue" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  expect(await sourceOf(page)).toBe("```bash {name=a on-failure=continue");
});

it("says what a word means, under the mouse and by keyboard", async () => {
  const page = await editorWith("```farhand\nkind: timer\nduration: 5m\n```");
  await page.getByText("duration", { exact: true }).first().hover();
  await page.locator(".cm-tooltip-hover", { hasText: "How long to wait, up to 30d" }).waitFor();
  await page.mouse.move(5, 5);
  await page.locator(".cm-tooltip-hover").waitFor({ state: "detached" });
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("End");
  await page.keyboard.press("F1");
  const told = page.locator(".cm-tooltip", { hasText: "Waits, without an agent" });
  await told.waitFor();
  expect(await page.locator(".cm-announced").textContent()).toContain("timer: Waits, without an agent");
  expect(await problemsOf(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await told.waitFor({ state: "detached" });
});

it("inserts a block by its form, by keyboard alone, with the parser's words at the fields", async () => {
  const page = await editorWith("# Page\n\nSome text");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  const highlighted = page.locator("[role=menuitem][data-highlighted]");
  await highlighted.filter({ hasText: "instruction" }).waitFor();
  expect(await page.getByRole("menuitem").count()).toBe(BLOCK_KINDS.length);
  await page.keyboard.type("api");
  await highlighted.filter({ hasText: "HTTP request" }).waitFor();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Insert api" });
  await dialog.waitFor();
  expect(await problemsOf(page)).toEqual([]);
  const url = dialog.getByRole("textbox", { name: "url" });
  await url.focus();
  await page.keyboard.type("example.org");
  await page.keyboard.press("Enter");
  await dialog.getByRole("alert").waitFor();
  expect(await url.evaluate((field) => field === document.activeElement)).toBe(true);
  expect(await problemsOf(page)).toEqual([]);
  await page.keyboard.press("Home");
  await page.keyboard.type("https://");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  expect(await sourceOf(page)).toBe(
    "# Page\n\nSome text\n\n```farhand\nkind: api\nurl: https://example.org\n```\n",
  );
  await page.keyboard.press("Control+z");
  expect(await sourceOf(page)).toBe("# Page\n\nSome text");
});

it("edits the block under the cursor and leaves the rest as it is", async () => {
  const page = await editorWith("#  Odd   page\n\n1. One\n\n   ```bash {name=a}\n   ls\n   ```");
  await page.keyboard.press("Alt+Enter");
  const dialog = page.getByRole("dialog", { name: "Edit command" });
  expect(await dialog.getByRole("textbox", { name: "script" }).inputValue()).toBe("ls");
  await dialog.getByRole("textbox", { name: "timeout" }).fill("5s");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  expect(await sourceOf(page)).toBe(
    "#  Odd   page\n\n1. One\n\n   ```bash {name=a timeout=5s}\n   ls\n   ```",
  );
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("Alt+Enter");
  await page.getByText("Put the cursor into a block first").waitFor();
});

/** The form is gone, and what is typed goes into the text again. */
function backInEditor(page: Page): Promise<void> {
  return page.locator(".cm-content:focus").waitFor();
}

it("asks before a form is left that was filled in", async () => {
  const page = await editorWith("```bash\nls\n```");
  const dialog = page.getByRole("dialog", { name: "Edit command" });
  await page.keyboard.press("Alt+Enter");
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await backInEditor(page);
  await page.keyboard.press("Alt+Enter");
  await dialog.getByRole("textbox", { name: "script" }).fill("uptime");
  await page.keyboard.press("Escape");
  const question = page.getByRole("alertdialog", { name: "Leave the form?" });
  await question.getByRole("button", { name: "Stay here" }).click();
  await question.waitFor({ state: "detached" });
  expect(await dialog.getByRole("textbox", { name: "script" }).inputValue()).toBe("uptime");
  await page.keyboard.press("Escape");
  await question.getByRole("button", { name: "Leave" }).click();
  await backInEditor(page);
  expect(await sourceOf(page)).toBe("```bash\nls\n```");
  await page.keyboard.type("!");
  expect(await sourceOf(page)).toBe("```bash\nls\n```!");
});

it("can be used with a finger on a phone", async () => {
  const page = await editorWith("# Page", PHONE);
  for (const name of ["Insert block", "Edit block"]) {
    const box = await page.getByRole("button", { name }).boundingBox();
    expect(box?.height).toBeGreaterThanOrEqual(44);
  }
  await page.getByRole("button", { name: "Insert block" }).tap();
  for (const item of await page.getByRole("menuitem").all()) {
    expect((await item.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  }
  await page.getByRole("menuitem", { name: /^command/ }).tap();
  const dialog = page.getByRole("dialog", { name: "Insert command" });
  await dialog.getByText("More of command").tap();
  await dialog.getByText("What every block has").tap();
  expect(await problemsOf(page)).toEqual([]);
  expect(await fitsWidth(page)).toBe(true);
  for (const control of await dialog
    .locator("input:not([type=checkbox]), select, textarea, summary, button")
    .all()) {
    expect((await control.boundingBox())?.height).toBeGreaterThanOrEqual(40);
  }
  await dialog.getByRole("textbox", { name: "script" }).fill("uptime");
  await dialog.getByRole("button", { name: "Insert", exact: true }).tap();
  await dialog.waitFor({ state: "detached" });
  expect(await sourceOf(page)).toBe("# Page\n\n```bash\nuptime\n```\n");
});

it("completes on a phone, with what is said below the options and on the screen", async () => {
  const page = await editorWith("```bash {name=a ", PHONE);
  await page.keyboard.type("o");
  const option = page.getByRole("option", { name: "on-failure" });
  await option.waitFor();
  const info = await page.locator(".cm-completionInfo").boundingBox();
  const list = await page.getByRole("listbox").boundingBox();
  if (!info || !list) throw new Error("the list or what is said of it is not shown");
  expect(info.y).toBeGreaterThanOrEqual(list.y + list.height);
  expect(info.x).toBeGreaterThanOrEqual(0);
  expect(info.x + info.width).toBeLessThanOrEqual(PHONE.viewport.width);
  expect((await option.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  await option.tap();
  await page.getByRole("option", { name: "continue" }).tap();
  expect(await sourceOf(page)).toBe("```bash {name=a on-failure=continue");
});
