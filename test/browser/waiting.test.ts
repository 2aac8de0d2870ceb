/** What is said of an execution that waits for an agent, and when that is over. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { joinTokenCreatedSchema, poolSchema } from "#protocol/api/pools.ts";
import { markDraining } from "../../agent/agent.ts";
import { statePaths } from "../../agent/paths.ts";
import { type AgentProcess, enrollAgent, runAgent } from "../../scripts/lib/agentProcess.ts";
import { DESK, fitsWidth, PHONE, prepareBrowser } from "./browser.ts";
import type { Organization } from "./organization.ts";

const app = prepareBrowser();
const agents: AgentProcess[] = [];
const folders: string[] = [];
afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

/** Agents of a pool called `lab`, all of which drain. */
async function drainingLab({ client }: Organization, names: readonly string[]): Promise<void> {
  const { id: poolId } = await client.call(poolSchema, "POST", "/pools", { body: { name: "lab" } });
  for (const name of names) {
    const { token } = await client.call(joinTokenCreatedSchema, "POST", "/join-tokens", { body: { poolId } });
    const folder = await mkdtemp(join(tmpdir(), "farhand-browser-draining-"));
    folders.push(folder);
    const stateDir = join(folder, "state");
    await enrollAgent({ stateDir, url: client.url, token, name });
    markDraining(statePaths(stateDir).draining, true);
    agents.push(runAgent({ stateDir, logFile: join(folder, "agent.log") }));
  }
}

const sourceOf = (wait: string) =>
  `# Maintain\n\n\`\`\`farhand\nkind: command\nname: work\ntitle: Do the work\ntarget: { pool: lab, wait: ${wait} }\nscript: "true"\n\`\`\`\n`;

it("says that the agents of its step's pool are draining, in the plan, while it waits and at its end", async () => {
  const organization = await app.organization();
  await drainingLab(organization, ["vm-1", "vm-2"]);
  const page = await app.logged(organization);
  await page.goto("/agents");
  await expect.poll(() => page.getByText("Draining", { exact: true }).count()).toBe(2);

  const runbook = await organization.write(sourceOf("1h"));
  await page.goto(`/runbooks/${runbook.id}/run`);
  await page.getByRole("button", { name: "Show the plan" }).click();
  const dialog = page.getByRole("dialog", { name: "What would run" });
  await dialog.getByText(/No agent in the pool "lab" takes work now: vm-1 and vm-2 are draining/).waitFor();
  await dialog.getByText("All 2 agents that match are draining").waitFor();

  const { id } = await organization.run(runbook);
  await page.goto(`/executions/${id}`);
  await page.getByText("Every agent in pool “lab” that could take it is draining").waitFor();
  await page.getByText(/“Do the work” starts as soon as one takes work again/).waitFor();
  expect(await page.getByText(/labels/).count()).toBe(0);

  const { id: brief } = await organization.run(await organization.write(sourceOf("5s")));
  await page.goto(`/executions/${brief}`);
  await page.getByText("Timed out at “Do the work”", { exact: true }).waitFor();
  await page.getByText(/^No agent was found in time: vm-1 and vm-2 are draining/).waitFor();
  for (const options of [DESK, PHONE]) {
    const small = await app.logged(organization, options);
    await small.goto("/agents");
    await small.getByText("vm-1").waitFor();
    expect(await fitsWidth(small)).toBe(true);
  }
});
