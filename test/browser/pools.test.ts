/** What a fleet needs of the app: tokens for many machines, agents in quarantine, the version of a pool. */
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { DESK, fitsWidth, PHONE, prepareBrowser } from "./browser.ts";
import type { Organization } from "./organization.ts";

const app = prepareBrowser();
let organization: Organization;
beforeAll(async () => {
  organization = await app.organization();
});

/** Nothing that a reader of screens trips over, and nothing wider than the screen. */
async function isFit(page: Page): Promise<void> {
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  expect(await fitsWidth(page)).toBe(true);
}

it("one token lets in as many machines as it says, into its pool and with its labels, until it is taken back", async () => {
  const page = await app.logged(organization, DESK);
  await page.goto("/agents");
  await page.getByRole("button", { name: "New pool" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("prod-eu");
  await page.getByRole("button", { name: "Create pool" }).click();
  await page.getByText("Pool prod-eu created").waitFor();

  await page.getByRole("button", { name: "Add agent" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Pool").selectOption("prod-eu");
  expect(await dialog.getByLabel("Good for").count()).toBe(0);
  await dialog.getByLabel("Machines").fill("5000");
  await dialog.getByRole("button", { name: "Create join token" }).click();
  await dialog.getByText("A token lets in from 1 to 1000 machines.").waitFor();
  await dialog.getByLabel("Machines").fill("2");
  await dialog.getByLabel("Good for").selectOption("4 hours");
  await dialog.getByLabel(/^Labels/).fill("role=web eu");
  await dialog.getByRole("button", { name: "Create join token" }).click();
  await dialog.getByText('"eu" is not a label like region=eu.').waitFor();
  await isFit(page);
  await dialog.getByLabel(/^Labels/).fill("role=web, region=eu");
  await dialog.getByRole("button", { name: "Create join token" }).click();
  await dialog.getByText(/good for 4 hours and 2 machines/).waitFor();
  const line = await dialog.getByText(/curl .*sudo sh/).textContent();
  const token = /--token (\S+)$/.exec(line ?? "")?.[1] ?? "";
  await organization.runAgent(token, "web-1");
  await dialog.getByText("web-1 is connected").waitFor();
  await dialog.getByRole("button", { name: "Close" }).last().click();

  const agents = page.getByRole("list", { name: "Agents of prod-eu" });
  expect(await agents.getByRole("list", { name: "Labels" }).getByRole("listitem").allTextContents()).toEqual(
    expect.arrayContaining(["role=web", "region=eu"]),
  );
  const open = page.getByRole("list", { name: "Join tokens" }).getByRole("listitem");
  await open.getByText("1 of 2 left for prod-eu").waitFor();
  await open.getByText(/joined: web-1/).waitFor();
  await isFit(page);
  await open.getByRole("button", { name: "Take back" }).click();
  await page.getByText("The token is taken back").waitFor();
  await open.first().waitFor({ state: "detached" });
  await expect(organization.runAgent(token, "web-2")).rejects.toThrow(/could not enroll/);
});

it("an agent in quarantine says why, and is released by a person", async () => {
  await organization.quarantinedAgent("db-1");
  const page = await app.logged(organization, DESK);
  await page.goto("/agents");
  const row = page.getByRole("listitem").filter({ hasText: "db-1" });
  await row.getByText("Quarantined").waitFor();
  await row.getByText(/^Two machines use its key/).waitFor();
  await isFit(page);
  await row.getByRole("button", { name: "More about db-1" }).click();
  await page.getByRole("menuitem", { name: "Release…" }).click();
  const dialog = page.getByRole("alertdialog");
  await dialog.getByText(/^Stop the copy first/).waitFor();
  await isFit(page);
  await dialog.getByRole("button", { name: "Release agent" }).click();
  await page.getByText("db-1 is released").waitFor();
  await row.getByText("Offline").waitFor();
  expect(await row.getByText("Quarantined").count()).toBe(0);
});

it("a pool wants the version that a person says, and refuses what is none", async () => {
  const page = await app.logged(organization, PHONE);
  await page.goto("/agents");
  const pool = page.getByRole("region", { name: "Pool default" });
  await pool.getByRole("button", { name: "Wanted: newest version" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Version").fill("newest");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Write latest, any, or a version such as 1.4.0.").waitFor();
  await isFit(page);
  await dialog.getByLabel("Version").fill("99.0.0");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("There is no release 99.0.0 here.").waitFor();
  await dialog.getByLabel("Version").fill("any");
  await dialog.getByRole("button", { name: "Save" }).click();
  await pool.getByRole("button", { name: "Wanted: any version" }).waitFor();
  await page.reload();
  await pool.getByRole("button", { name: "Wanted: any version" }).waitFor();
});
