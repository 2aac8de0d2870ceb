import { expect, it } from "vitest";
import { z } from "zod";
import { agentSchema } from "#protocol/api/pools.ts";
import { prepareBrowser } from "./browser.ts";

const app = prepareBrowser();

it("walks through adding an agent until it is connected, and shows when it leaves", async () => {
  const organization = await app.organization();
  const page = await app.logged(organization);
  await page.goto("/agents");
  await page.getByRole("button", { name: "Add agent" }).first().click();
  await page.getByRole("button", { name: "Create join token" }).click();
  const dialog = page.getByRole("dialog");
  const line = await dialog.getByText(/curl .*sudo sh/).textContent();
  const [, path = "", token = ""] =
    /^curl -fsSL \S+?(\/install\.sh) .* --node --token (\S+)$/.exec(line ?? "") ?? [];
  // What is offered here is the script for Node alone.
  await dialog.getByText("the host needs Node 22.3 or newer").waitFor();
  const script = await organization.client.raw("GET", path);
  expect([script.status, await script.text()]).toEqual([200, expect.stringMatching(/^#!\/bin\/sh\n/)]);
  await dialog.getByText("Elsewhere, or without root").click();
  expect(await dialog.getByText(/enroll --url/).textContent()).toContain(token);
  const download = /curl -fsSL \S+?(\/agent\/\S+)/.exec(
    (await dialog.getByText(/curl .*\.mjs/).textContent()) ?? "",
  )?.[1];
  const file = await organization.client.raw("GET", download ?? "");
  expect([file.status, (await file.text()).length > 10_000]).toEqual([200, true]);

  await dialog.getByText("Waiting for the agent…").waitFor();
  const agent = await organization.runAgent(token, "rack-7", 2);
  await dialog.getByText("rack-7 is connected").waitFor();
  await dialog.getByRole("button", { name: "Close" }).last().click();
  const row = page.getByRole("listitem").filter({ hasText: "rack-7" });
  await row.getByText("Connected").waitFor();
  await row.getByText("0 of 2 slots busy").waitFor();
  const { fingerprint } = (await organization.client.call(z.array(agentSchema), "GET", "/agents"))[0] ?? {};
  await row.getByText(fingerprint ?? "none").waitFor();
  await row.getByRole("button", { name: "Copy fingerprint" }).waitFor();
  const hostLabel = row.getByRole("list", { name: "Host labels" }).getByText("host.os=linux");
  expect(await hostLabel.isVisible()).toBe(false);
  await row.getByText(/^\d+ host labels$/).click();
  await hostLabel.waitFor();

  await agent.stop();
  await row.getByText("Offline").waitFor();
  await row.getByText(/last connected (just now|\d+s ago)/).waitFor();
  await hostLabel.waitFor();

  await row.getByRole("button", { name: "More about rack-7" }).click();
  await page.getByRole("menuitem", { name: "Revoke…" }).click();
  await page.getByRole("button", { name: "Revoke agent" }).click();
  await page.getByText("rack-7 is revoked").waitFor();
  await row.waitFor({ state: "detached" });
});

it("makes a key that works, shows it once, and revokes it", async () => {
  const organization = await app.organization();
  const page = await app.logged(organization);
  await page.goto("/api-keys");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByText("Give the key a name.").waitFor();
  await page.getByRole("textbox", { name: "Name" }).fill("nightly backup");
  await page.getByRole("button", { name: "Create key" }).click();
  const key = (await page.getByRole("dialog").getByText(/^fh_/).textContent()) ?? "";
  const asKey = organization.client.with({ apiKey: key });
  expect((await asKey.raw("GET", "/api/v1/me")).status).toBe(200);
  await page.getByRole("button", { name: "I have copied it" }).click();
  expect(await page.getByText(key).count()).toBe(0);
  await page.getByRole("button", { name: "Revoke nightly backup" }).click();
  await page.getByRole("button", { name: "Revoke key" }).click();
  await page.getByText("nightly backup is revoked").waitFor();
  expect((await asKey.raw("GET", "/api/v1/me")).status).toBe(401);
});

it("a list of executions follows what happens elsewhere", async () => {
  const organization = await app.organization();
  await organization.startAgent();
  const page = await app.logged(organization);
  await page.goto("/executions");
  await page.getByText("Nothing has run yet").waitFor();
  await organization.runToEnd("echo hi");
  const row = page.getByRole("listitem").filter({ hasText: "Script" });
  await row.getByText("Succeeded").waitFor();
});
