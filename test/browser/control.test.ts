import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { expect, it, vi } from "vitest";
import { executionSchema } from "#protocol/api/executions.ts";
import { fitsWidth, PHONE, prepareBrowser } from "./browser.ts";
import type { Organization } from "./organization.ts";

const app = prepareBrowser();
const BASH = "```bash";
const END = "```";

const HOLD = `${BASH} {name=hold title="Hold"}\nuntil [ -e go ]; do sleep 0.05; done\n${END}\n`;

async function clean(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`))).toEqual([]);
}

async function reaches(organization: Organization, id: string, state: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const execution = await organization.client.call(executionSchema, "GET", `/executions/${id}`);
      expect([execution.state, ...execution.steps.map((step) => step.state)]).toContain(state);
    },
    { timeout: 20_000, interval: 50 },
  );
}

it("a cancel that hangs can be forced, after it was said what that means", async () => {
  const organization = await app.organization();
  const agent = await organization.startAgent();
  const { id } = await organization.run(await organization.write(`# Hang\n\n${HOLD}`));
  await reaches(organization, id, "running");
  const page = await app.logged(organization);
  await page.goto(`/executions/${id}`);
  expect(await page.getByRole("button", { name: "Cancel by force…" }).count()).toBe(0);
  agent.signal("SIGSTOP");
  try {
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("button", { name: "Cancel execution" }).click();
    await page.getByRole("button", { name: "Cancel by force…" }).click();
    await page.getByText("its processes may go on running").waitFor();
    await clean(page);
    await page.getByRole("button", { name: "Cancel by force", exact: true }).click();
    await page.getByText("Canceled, not confirmed").waitFor();
    expect(await page.getByRole("button", { name: "Cancel by force…" }).count()).toBe(0);
  } finally {
    agent.signal("SIGCONT");
  }
});

it("an execution that waits for a lock says who has it, and leads there", async () => {
  const organization = await app.organization();
  await organization.startAgent();
  const runbook = await organization.write(`---\ntitle: Deploy\nlocks: [deploys]\n---\n\n${HOLD}`);
  const first = await organization.run(runbook);
  await reaches(organization, first.id, "running");
  const second = await organization.run(runbook);
  const page = await app.logged(organization, PHONE);
  await page.goto(`/executions/${second.id}`);
  await page.getByText("Waiting for the lock deploys").waitFor();
  await clean(page);
  await page.getByRole("link", { name: "Deploy" }).click();
  await page.waitForURL(new RegExp(`${first.id}$`));
});

it("an approval is answered by keyboard alone", async () => {
  const organization = await app.organization();
  const runbook = await organization.write(
    `# Agree\n\n${END}farhand\nkind: approval\nname: agree\ntitle: Agree\nallow-requester: true\n${END}\n`,
  );
  const { id } = await organization.run(runbook);
  const page = await app.logged(organization);
  await page.goto(`/executions/${id}`);
  const approve = page.getByRole("button", { name: "Approve" });
  await approve.waitFor();
  for (let presses = 0; presses < 40; presses++) {
    if (await approve.evaluate((button) => button === document.activeElement)) break;
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page
    .getByText(/^Succeeded/)
    .first()
    .waitFor();
  await page.getByRole("list", { name: "Answers" }).getByText("Ada Lovelace approved").waitFor();
});

it("what asks for an answer is on the screen of a phone, and so is the way there from another step", async () => {
  const organization = await app.organization();
  await organization.startAgent();
  const ask = `${END}farhand\nkind: instruction\nname: look\ntitle: Look at it\nacknowledge: true\nmarkdown: Look.\n${END}\n`;
  const talk = `${BASH} {name=talk title="Talk"}\nseq 500\n${END}\n`;
  const { id } = await organization.run(await organization.write(`# Ask\n\n${talk}\n${ask}`));
  const page = await app.logged(organization, PHONE);
  await page.goto(`/executions/${id}#talk`);
  await page.getByText("“Look at it” needs an answer").waitFor();
  await page.getByRole("button", { name: "Answer" }).click();
  const done = page.getByRole("button", { name: "Done" });
  await done.waitFor();
  const box = await done.boundingBox();
  expect(box?.height).toBeGreaterThanOrEqual(44);
  expect((box?.y ?? 999) + (box?.height ?? 0)).toBeLessThan(PHONE.viewport.height - 56);
  expect(await fitsWidth(page)).toBe(true);

  await page.getByRole("button", { name: "Skip…" }).click();
  await page.getByRole("button", { name: "Skip this step" }).click();
  await page.getByText("Say why, so that others can follow.").waitFor();
  await page.getByLabel("Why is it skipped?").fill("seen it already");
  await page.getByRole("button", { name: "Skip this step" }).click();
  await page
    .getByText(/steps succeeded|Succeeded in/)
    .first()
    .waitFor();
});

it("a failed execution is retried from a step, tells its lineage, and can be deleted", async () => {
  const organization = await app.organization();
  await organization.startAgent();
  const runbook = await organization.write(
    `# Try\n\n${BASH} {name=one title="One"}\ntrue\n${END}\n\n${BASH} {name=two title="Two"}\nexit 3\n${END}\n`,
  );
  const { id } = await organization.run(runbook);
  await reaches(organization, id, "failed");
  const page = await app.logged(organization);
  await page.goto(`/executions/${id}`);
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Retry from…" }).click();
  await page.getByLabel("First step").selectOption({ label: "One" });
  await clean(page);
  await page.getByRole("button", { name: "Retry", exact: true }).click();
  await page.waitForURL((url) => url.pathname.startsWith("/executions/") && !url.pathname.endsWith(id));
  await page.getByText(/Failed at “Two”/).waitFor();
  const steps = page.getByRole("navigation", { name: "Steps" });
  expect(await steps.getByText("Done before").count()).toBe(0);
  await page.getByRole("link", { name: "an earlier execution" }).click();
  await page.waitForURL(new RegExp(`${id}$`));
  await page.getByText("Retried:").waitFor();

  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await page.getByRole("button", { name: "Delete execution" }).click();
  await page.waitForURL(/\/executions$/);
  await page.getByRole("link", { name: "Try" }).waitFor();
  expect(await page.getByRole("link", { name: "Try" }).count()).toBe(1);
  await page.goto(`/executions/${id}`);
  await page.getByRole("heading", { name: "This execution does not exist" }).waitFor();
});

it("a runbook in a runbook leads to its execution and back, and phases are told", async () => {
  const organization = await app.organization();
  await organization.startAgent();
  await organization.write(`# Inner\n\n${HOLD}`);
  const parent = await organization.write(
    `# Outer\n\n${END}farhand\nkind: runbook\nname: inner\ntitle: Run the inner one\nrunbook: Inner\n${END}\n`,
  );
  const cleaning = await organization.write(
    `# Clean\n\n${BASH} {name=work}\ntrue\n${END}\n\n<!-- finally -->\n\n${HOLD}`,
  );
  const [{ id }, ending] = [await organization.run(parent), await organization.run(cleaning)];
  const page = await app.logged(organization);
  await page.goto(`/executions/${id}`);
  await page.getByRole("link", { name: "Open the execution that it started" }).click();
  await page.getByRole("heading", { name: "Inner", level: 1 }).waitFor();
  await page.getByRole("link", { name: "another execution" }).click();
  await page.getByRole("heading", { name: "Outer", level: 1 }).waitFor();
  await page.goto(`/executions/${ending.id}`);
  await page.getByText("Doing what comes at the end").waitFor();
  await page.getByText("At the end, whatever happened").waitFor();
});

it("a step that may fail says why it did, in an execution that did not fail by it", async () => {
  const organization = await app.organization();
  await organization.startAgent();
  const runbook = await organization.write(
    `# Tolerate\n\n${BASH} {name=one title="One" on-failure=continue user=nobody-of-that-name}\ntrue\n${END}\n\n${BASH} {name=two title="Two"}\ntrue\n${END}\n`,
  );
  const { id } = await organization.run(runbook);
  await reaches(organization, id, "succeeded");
  const page = await app.logged(organization);
  await page.goto(`/executions/${id}#one`);
  await page.getByText("1 of 2 steps did not succeed, as the runbook allows.").waitFor();
  const pane = page.getByRole("region", { name: "Step One" });
  await pane.getByText("The agent refused to run it").waitFor();
  await pane.getByText("nobody-of-that-name").waitFor();
  await clean(page);
});
