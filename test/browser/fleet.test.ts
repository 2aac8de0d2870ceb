import { AxeBuilder } from "@axe-core/playwright";
import { beforeAll, expect, it } from "vitest";
import { DESK, fitsWidth, PHONE, prepareBrowser } from "./browser.ts";
import type { Organization } from "./organization.ts";

const app = prepareBrowser();
let organization: Organization;

/** On sixteen agents: two fail, one goes on, the others are done. */
const SOURCE = `# Rotate

\`\`\`farhand
kind: command
name: rotate
title: Rotate the logs
interpreter: sh
target: { mode: all, max-failures: 5 }
env: { NAME: { expr: agent.name } }
script: |
  echo "$NAME begins"
  case $NAME in
    agent-03|agent-11) echo "$NAME: no space left" >&2; exit 3;;
    agent-07) sleep 300;;
  esac
\`\`\`
`;

beforeAll(async () => {
  organization = await app.organization();
  await organization.startFleet(16);
});

it("a step on many agents counts them by state, and leads to the output of those that failed", async () => {
  const { id } = await organization.run(await organization.write(SOURCE));
  const page = await app.logged(organization, DESK);
  await page.goto(`/executions/${id}`);
  const steps = page.getByRole("navigation", { name: "Steps" });
  await steps.getByText("15 of 16, 2 failed").waitFor();
  // Without a click: what went wrong or goes on is in view, what is done is not.
  const names = () => steps.getByText(/^agent-\d\d$/).allTextContents();
  expect(await names()).toEqual(["agent-03", "agent-07", "agent-11"]);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  const succeeded = steps.getByRole("button", { name: "13 succeeded", exact: true });
  await succeeded.click();
  expect(await names()).toHaveLength(13);
  await succeeded.click();
  await steps.getByRole("button", { name: "2 failed", exact: true }).click();
  expect(await names()).toEqual(["agent-03", "agent-11"]);
  await steps.getByRole("button", { name: /^agent-11/ }).click();
  await page.getByText("agent-11: no space left", { exact: true }).waitFor();

  await steps.getByRole("button", { name: "2 failed", exact: true }).click();
  await steps.getByLabel("Find by name").fill("AGENT-1");
  expect(await names()).toEqual(Array.from({ length: 6 }, (_, n) => `agent-1${n}`));
  await steps.getByLabel("Find by name").fill("nobody");
  await steps.getByText("None of them fits.").waitFor();

  await organization.client.raw("POST", `/api/v1/executions/${id}/cancel`, { body: {} });
  await page.getByRole("link", { name: "Run again" }).waitFor();
});

it("one too many that fails is what the page opens with, on a phone too", async () => {
  const source = SOURCE.replace("max-failures: 5", "max-failures: 1").replace("sleep 300", "true");
  const { id } = await organization.run(await organization.write(source));
  const page = await app.logged(organization, PHONE);
  await page.goto(`/executions/${id}`);
  await page.getByText(/^Failed at/).waitFor();
  await page.getByText("agent-03: no space left", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Choose a step" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "2 failed", exact: true }).click();
  expect(await fitsWidth(page)).toBe(true);
  await dialog.getByRole("button", { name: /^agent-11/ }).click();
  await page.getByText("agent-11: no space left", { exact: true }).waitFor();
});
