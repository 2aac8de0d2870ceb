import { expect, it } from "vitest";
import { DESK, PHONE, prepareBrowser } from "./browser.ts";
import { newPerson } from "./organization.ts";

const app = prepareBrowser();

it("a new person signs up, writes a runbook, runs it, and sees output while the step still runs", async () => {
  const page = await app.anonymous(DESK);
  const person = newPerson("Grace Hopper");
  await page.goto("/");
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("Name").fill(person.name);
  await page.getByLabel("Email").fill(person.email);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Create account" }).click();

  await page.getByRole("link", { name: "Start with a blank page" }).click();
  const source = page.getByRole("textbox", { name: "Source of the runbook" });
  await source.fill(
    "# Wait for a sign\n\nBe patient.\n\n```bash {name=wait}\necho before\nuntil [ -e go ]; do sleep 0.05; done\n```\n",
  );
  await page.getByRole("heading", { name: "Wait for a sign" }).last().waitFor();
  await page.keyboard.press("Control+s");
  await page.getByText("Runbook created").waitFor();
  await page.getByRole("heading", { name: "Wait for a sign", level: 1 }).waitFor();

  await page.getByRole("link", { name: "Run", exact: true }).click();
  await page.getByRole("button", { name: "Run version 1" }).click();
  await page.getByText("No agent in pool “default” is connected").waitFor();

  // The agent comes while the page is open; the page goes on by itself.
  const organization = await app.adopt(person);
  await organization.startAgent();
  await page.locator(".log-text", { hasText: "before" }).waitFor();
  expect(await page.getByRole("button", { name: "Cancel" }).isVisible()).toBe(true);
  await page.getByRole("navigation", { name: "Steps" }).getByText("Running").waitFor();

  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel execution" }).click();
  await page.getByRole("heading", { name: "Wait for a sign" }).waitFor();
  await page.getByRole("link", { name: "Run again" }).waitFor();
  expect(await page.locator("header").getByText("Canceled").isVisible()).toBe(true);
});

it("a double click starts one execution, also on a phone", async () => {
  const organization = await app.organization();
  await organization.startAgent();
  const runbook = await organization.write(
    "---\ntitle: Greet\nparameters:\n  - name: who\n    type: string\n    pattern: '[a-z]+'\n---\n\n```bash\necho \"hello $FARHAND_PARAM_WHO\"\n```\n",
  );
  const page = await app.logged(organization, PHONE);
  await page.goto(`/runbooks/${runbook.id}/run`);
  const run = page.getByRole("button", { name: "Run version 1" });
  await run.click();
  await page.getByText("This is needed.").waitFor();
  await page.getByRole("textbox", { name: "who" }).fill("WORLD");
  await run.click();
  await page.getByText('"who" must match [a-z]+').waitFor();
  await page.getByRole("textbox", { name: "who" }).fill("world");
  await run.dblclick();
  await page.waitForURL(/executions\/exe_/);
  await page.locator(".log-text", { hasText: "hello world" }).waitFor();
  await page.getByText(/^Succeeded in/).waitFor();
  await page.getByRole("link", { name: "Executions" }).click();
  await page.getByRole("list", { name: "Executions" }).waitFor();
  expect(await page.getByRole("link", { name: "Greet" }).count()).toBe(1);
});
