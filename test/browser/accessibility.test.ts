import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { webhookDeliverySchema, webhookSchema, webhookWithSecretSchema } from "#protocol/api/webhooks.ts";
import { NOTIFICATION_TYPES } from "#protocol/notifications.ts";
import { DESK, fitsWidth, PHONE, prepareBrowser } from "./browser.ts";
import type { Organization } from "./organization.ts";

const app = prepareBrowser();
const LONG = "unbreakable".repeat(18);
let organization: Organization;
/** Addresses, each with what shows that the page is there. */
let pages: [path: string, ready: string][];

beforeAll(async () => {
  organization = await app.organization();
  await organization.startAgent();
  const runbook = await organization.write(
    `---\ntitle: ${LONG}\ndescription: ${"words ".repeat(60)}\nparameters:\n  - name: volume\n    type: string\n    pattern: "[a-z]+"\n    default: data\n  - name: mode\n    type: choice\n    options: [a, b]\n  - name: notify\n    type: boolean\ntarget:\n  labels:\n    role: ${"v".repeat(255)}\n---\n\nRead **this** and [that](https://example.com).\n\n| a | b |\n| - | - |\n| ${"wide".repeat(40)} | d |\n\n\`\`\`bash {name=check title="Check the ${"very ".repeat(20)}long thing"}\necho ${"x".repeat(300)}\n\`\`\`\n`,
  );
  const failed = await organization.runToEnd(
    "for c in 30 31 32 33 34 35 36 37 90 91 92 93 94 95 96 97; do printf '\\033[%dmcolour\\033[0m \\033[2mdim\\033[0m\\n' $c; done; printf '\\033[38;2;255;200;0mfixed\\033[0m\\n' >&2; exit 3",
  );
  const hook = await organization.client.call(webhookWithSecretSchema, "POST", "/webhooks", {
    body: { name: LONG.slice(0, 100), url: `http://127.0.0.1:9/${LONG}`, events: NOTIFICATION_TYPES },
  });
  await organization.client.call(webhookDeliverySchema, "POST", `/webhooks/${hook.id}/test`);
  await organization.client.call(webhookSchema, "PUT", `/webhooks/${hook.id}`, { body: { enabled: false } });
  pages = [
    ["/login", "Log in to Farhand"],
    ["/signup", "Create your account"],
    ["/runbooks", LONG],
    [`/runbooks/${runbook.id}`, LONG],
    [`/runbooks/${runbook.id}/versions/1`, "Content hash"],
    [`/runbooks/${runbook.id}/compare?from=1&to=1`, "Both do the same"],
    [`/runbooks/${runbook.id}/run`, "What will run"],
    [`/runbooks/${runbook.id}/edit`, "Parameters"],
    ["/executions", "Script"],
    [`/executions/${failed}`, "exit code 3"],
    ["/agents", "test-agent"],
    ["/secrets", "No agent holds a secret yet"],
    ["/api-keys", "No keys yet"],
    ["/signing-keys", "Nobody signs yet"],
    ["/settings", "Appearance"],
    ["/settings/webhooks", "Disabled"],
    [`/settings/webhooks/${hook.id}`, "1 attempt"],
    ["/nowhere", "does not exist"],
  ];
}, 60_000);

async function violations(page: Page, rules?: string[]): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  const { violations: found } = await (rules ? axe.withRules(rules) : axe).analyze();
  return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`));
}

/** In light everything, in dark what colours decide. */
async function violationsInBoth(page: Page): Promise<string[]> {
  await page.emulateMedia({ colorScheme: "light" });
  await page.locator("html[data-theme=light]").waitFor();
  const light = await violations(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.locator("html[data-theme=dark]").waitFor();
  const dark = await violations(page, ["color-contrast"]);
  return [...light, ...dark.map((each) => `dark: ${each}`)];
}

/** What stands in badges that are wider than what holds them: cut off without saying so. */
function cutBadges(page: Page): Promise<string[]> {
  return page
    .locator(".rounded-full:not(:empty)")
    .evaluateAll((badges) =>
      badges
        .filter((each) => each.parentElement && each.scrollWidth > each.parentElement.clientWidth)
        .map((each) => each.textContent ?? ""),
    );
}

describe.each([
  ["on a desk", DESK],
  ["on a phone", PHONE],
] as const)("%s, light and dark", (_name, options) => {
  it("every page is accessible and fits the screen", async () => {
    const page = await app.logged(organization, options);
    for (const [path, ready] of pages) {
      await page.goto(path);
      await page.getByText(ready).filter({ visible: true }).first().waitFor();
      await page.evaluate(() => document.fonts.ready.then(() => {}));
      expect({ path, violations: await violationsInBoth(page) }).toEqual({ path, violations: [] });
      expect({ path, fits: await fitsWidth(page), cut: await cutBadges(page) }).toEqual({
        path,
        fits: true,
        cut: [],
      });
    }
  }, 120_000);

  it("so is every dialog", async () => {
    const page = await app.logged(organization, options);
    await page.goto("/agents");
    await page.getByRole("button", { name: "Add agent" }).first().click();
    await page.getByRole("button", { name: "Create join token" }).click();
    await page.getByText("Waiting for the agent…").waitFor();
    expect(await violationsInBoth(page)).toEqual([]);
    await page.goto("/api-keys");
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByRole("button", { name: "Create key" }).click();
    await page.getByText("Give the key a name.").waitFor();
    expect(await violationsInBoth(page)).toEqual([]);
    await page.goto("/settings/webhooks");
    await page.getByRole("button", { name: "New webhook" }).click();
    await page.getByRole("button", { name: "Create webhook" }).click();
    await page.getByText("Give the webhook a name.").waitFor();
    expect(await violationsInBoth(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
});

it("the API reference fits a phone", async () => {
  const page = await app.anonymous(PHONE);
  await page.goto("/docs");
  for (const summary of await page.locator("summary").all()) await summary.click();
  expect(await fitsWidth(page)).toBe(true);
});

it("a runbook can be found and run by keyboard alone", async () => {
  const page = await app.logged(organization);
  await page.goto("/runbooks");
  await page.getByRole("link", { name: LONG, exact: true }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("script");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/run$/);
  const run = page.getByRole("button", { name: "Run version 1" });
  await run.waitFor();
  for (let presses = 0; presses < 20; presses++) {
    if (await run.evaluate((button) => button === document.activeElement)) break;
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/executions\/exe_/);
});
