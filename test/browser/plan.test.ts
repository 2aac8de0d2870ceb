import { AxeBuilder } from "@axe-core/playwright";
import { expect, it } from "vitest";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { PHONE, prepareBrowser } from "./browser.ts";

const app = prepareBrowser();

const source = (title: string, code: string) =>
  `---\ntitle: ${title}\nparameters:\n  - { name: node, type: string }\n---\n\n\`\`\`bash {name=restart title="Restart" confirm="Restart now?"}\n${code}\n\`\`\`\n\n<!-- finally -->\n\n\`\`\`bash {name=report title="Report"}\ntrue\n\`\`\`\n`;

it("the plan says what would run, where, whom it asks, and what is different", async () => {
  const organization = await app.organization();
  const runbook = await organization.write(source("Restart a node", "true"));
  const page = await app.logged(organization, PHONE);
  await page.goto(`/runbooks/${runbook.id}/run`);
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.getByText("This is needed.").waitFor();
  await page.getByLabel("node").fill("n1");
  await page.getByRole("button", { name: "Show the plan" }).click();
  const dialog = page.getByRole("dialog", { name: "What would run" });
  for (const words of [
    "It would wait",
    "Restart now?",
    "Report",
    "No connected agent matches",
    "It has not succeeded before.",
    "n1",
  ]) {
    await dialog.getByText(words).first().waitFor();
  }
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Run version 1" }).waitFor();
});

it("versions are compared, and an older one is rolled back to", async () => {
  const organization = await app.organization();
  const runbook = await organization.write(source("Restart a node", "echo one"));
  await organization.client.call(runbookSchema, "PUT", `/runbooks/${runbook.id}`, {
    body: { source: source("Restart a node", "echo two") },
    headers: { "if-match": "*" },
  });
  const page = await app.logged(organization);
  await page.goto(`/runbooks/${runbook.id}`);
  await page.getByRole("heading", { name: "At the end" }).waitFor();
  await page.getByRole("link", { name: "Compare versions" }).click();
  await page.getByText("Restart: script changed").waitFor();
  await page.getByText("+echo two").waitFor();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.goto(`/runbooks/${runbook.id}/versions/1`);
  await page.getByRole("heading", { name: "At the end" }).waitFor();
  await page.getByRole("button", { name: "Roll back" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Roll back" }).click();
  await page.getByText("Version 3 says what version 1 says").waitFor();
  await page.getByText("echo one").waitFor();
});

it("executions are found by words, state and trigger, and the address keeps the filter", async () => {
  const organization = await app.organization();
  await organization.run(await organization.write("# Blue\n\n```bash\ntrue\n```\n"));
  await organization.run(await organization.write("# Green\n\n```bash\ntrue\n```\n"));
  const page = await app.logged(organization);
  await page.goto("/executions");
  await page.getByRole("link", { name: "Blue" }).waitFor();
  await page.getByLabel("Search executions").fill("gre");
  await page.getByRole("link", { name: "Blue" }).waitFor({ state: "detached" });
  await page.getByLabel("Mine").check();
  await page.waitForURL(/text=gre&mine=1/);
  await page.reload();
  await page.getByRole("link", { name: "Green" }).waitFor();
  await page.getByLabel("Trigger").selectOption("A retry");
  await page.getByText("Nothing matches").waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByRole("link", { name: "Blue" }).waitFor();
  expect(await page.getByLabel("Search executions").inputValue()).toBe("");
});
