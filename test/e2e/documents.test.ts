/** What the documents say to type, typed: their text is what runs here. */
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/lib/paths.ts";
import { runbookOf, type Tenant } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();
let tenant: Tenant;
beforeAll(async () => {
  tenant = await world().signUp();
  await world().startAgent(tenant);
});

/** The fenced commands of a document that hold these words. */
async function commandsOf(path: string, words: string): Promise<string> {
  const text = await readFile(join(ROOT, path), "utf8");
  const fences = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = ""]) => commands);
  const found = fences.filter((commands) => commands.includes(words));
  expect(found, `${words} in ${path}`).toHaveLength(1);
  return found[0] ?? "";
}

function type(commands: string, variables: Record<string, string>) {
  const env = { FARHAND: world().url, KEY: tenant.apiKey, ...variables };
  return execa("sh", ["-c", commands], { cwd: world().folder, env, reject: false, timeout: 30_000 });
}

const sample = async () => tenant.runbook(await readFile(join(ROOT, "docs/examples/hello.md"), "utf8"));

test("the README's request runs the sample, and its second one goes on where the first left off", async () => {
  const start = await commandsOf("README.md", "Idempotency-Key");
  const { stdout } = await type(start, { RUNBOOK: await sample() });
  expect(stdout).toContain("Good morning");
  expect(stdout).toContain("beat 3 of 3");
  const [, id = ""] = /"executionId":"(exe_\w+)"/.exec(stdout) ?? [];
  const ids = [...stdout.matchAll(/^id: (\d+)$/gm)].map(([, seq = ""]) => seq);
  const resume = await commandsOf("README.md", "Last-Event-ID");
  const rest = await type(resume, { EXECUTION: id, LAST: ids.at(-3) ?? "" });
  expect([...rest.stdout.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => seq)).toEqual(ids.slice(-2));
});

test("the first calls of the reference work one after the other", async () => {
  const page = await (await fetch(`${world().url}/docs`)).text();
  const calls = [...page.matchAll(/<li>([^<]*)<pre class="call">(.*?)<\/pre>/gs)].map(([, , call = ""]) =>
    call.replaceAll("&quot;", '"').replaceAll("&amp;", "&"),
  );
  expect(calls).toHaveLength(5);
  await copyFile(join(ROOT, "docs/examples/hello.md"), join(world().folder, "hello.md"));
  let said = "";
  const variables: Record<string, string> = {};
  for (const call of calls) {
    said = (await type(call, variables)).stdout;
    expect(said, call).not.toContain("urn:farhand:problem");
    const [, runbook = variables.RUNBOOK ?? ""] = /"id":"(rb_\w+)"/.exec(said) ?? [];
    const [, execution = variables.EXECUTION ?? ""] = /"executionId":"(exe_\w+)"/.exec(said) ?? [];
    Object.assign(variables, { RUNBOOK: runbook, EXECUTION: execution });
  }
  expect(JSON.parse(said)).toMatchObject({ data: { id: variables.EXECUTION, state: "succeeded" } });
});

test("the agent's unit is one that systemd takes", async ({ skip }) => {
  const { failed } = await execa("systemd-analyze", ["--version"], { reject: false });
  if (failed) skip("no systemd on this host");
  const packaged = await readFile(join(ROOT, "agent/packaging/farhand-agent.service"), "utf8");
  // The agent is not installed here.
  const unit = packaged.replace("ExecStart=farhand-agent ", "ExecStart=/bin/true ");
  const file = join(world().folder, "farhand-agent.service");
  await writeFile(file, unit);
  const { all } = await execa("systemd-analyze", ["verify", file], { reject: false, all: true });
  // What it says about the host's own units is not ours.
  expect(all.split("\n").filter((line) => line.includes("farhand-agent.service"))).toEqual([]);
  expect(unit).toContain("ExecStart=/bin/true");
});

describe("the lines for a pipeline", () => {
  const run = async (RUNBOOK: string, more: Record<string, string> = {}) =>
    type(await commandsOf("docs/execution.md", "run.log"), { RUNBOOK, BUILD: RUNBOOK, ...more });

  test("succeed with the run, and come back to the same one", async () => {
    const runbook = await tenant.runbook(runbookOf({ fine: "echo all good" }));
    const first = await run(runbook);
    expect([first.exitCode, first.stdout.includes("all good")]).toEqual([0, true]);
    const again = await run(runbook);
    expect([again.exitCode, again.stdout]).toEqual([0, first.stdout]);
  });

  test("fail when the run did, and when none could be started, which they say", async () => {
    const words = `echo '"state":"succeeded"'; exit 7`;
    const failed = await run(await tenant.runbook(runbookOf({ breaks: words })));
    expect([failed.exitCode, failed.stdout.includes("execution.finished")]).toEqual([1, true]);
    const refused = await run("rb_none", { KEY: "fh_live_wrong" });
    expect([refused.exitCode, refused.stdout.includes("invalid_api_key")]).toEqual([1, true]);
  });
});
