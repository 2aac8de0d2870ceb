import { expect, it } from "vitest";
import { DESK, PHONE, prepareBrowser } from "./browser.ts";

const app = prepareBrowser();

it("explains where secrets come from while there are none, and is within reach on a phone", async () => {
  const organization = await app.organization();
  const page = await app.logged(organization, PHONE);
  await page.goto("/agents");
  await page.getByRole("link", { name: "Secrets" }).click();
  await page.getByText("No agent holds a secret yet").waitFor();
  await page.getByText("farhand-agent secrets set db-password").waitFor();
});

it("names what agents hold, and has plans say what they lack; no value is on any page", async () => {
  const organization = await app.organization();
  await organization.startAgent("rack-1", 4, {
    "db-password": "hunter2-hunter2",
    "api-token": "t0ken-t0ken",
  });
  await organization.startAgent("rack-2", 4, { "db-password": "hunter2-hunter2" });
  const page = await app.logged(organization, DESK);
  await page.goto("/runbooks");
  await page.getByRole("link", { name: "Secrets" }).click();
  const row = page.getByRole("listitem").filter({ hasText: "db-password" });
  await row.getByText("rack-1").waitFor();
  await row.getByText("rack-2").waitFor();
  expect(await page.content()).not.toContain("hunter2");

  const runbook = await organization.write("# Uses\n\n```bash {name=a secrets=api-token,gone}\ntrue\n```\n");
  await page.goto(`/runbooks/${runbook.id}/run`);
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.getByText('No connected agent in the pool "default" has the secret "gone".').first().waitFor();
  await page
    .getByText('1 of 2 connected agents in the pool "default" do not have the secret')
    .first()
    .waitFor();
  await page.getByText("api-token, gone").first().waitFor();
});
