/** Promise S18 with everything real: the command line seals, the control plane relays, the agent opens. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { z } from "zod";
import { type Agent, agentSchema } from "#protocol/api/pools.ts";
import { CLI_FILE } from "../../scripts/lib/paths.ts";
import type { TestAgent } from "../harness/agent.ts";
import type { Tenant } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

const CANARY = "canary-7f3a9c-in-the-clear";
const USE = `# Use\n\n\`\`\`bash {name=use secrets=db-password}\necho "got $DB_PASSWORD"; printf %s "$DB_PASSWORD" | sha256sum\n\`\`\`\n`;

function farhand(tenant: Tenant, args: string[], input = "") {
  const folder = world().newFolder("desk");
  mkdirSync(folder, { recursive: true });
  return execa(process.execPath, [CLI_FILE, "secrets", ...args], {
    ...{ reject: false, input, extendEnv: false, cwd: folder },
    env: {
      ...{ PATH: process.env.PATH ?? "", HOME: folder },
      ...{ FARHAND_URL: tenant.api.url, FARHAND_API_KEY: tenant.apiKey },
    },
  });
}

async function told(tenant: Tenant, name: string): Promise<Agent> {
  const agents = await tenant.api.call(z.array(agentSchema), "GET", "/agents");
  const found = agents.find((agent) => agent.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}

/** The fingerprint as the host itself shows it: in its own log. */
const shown = (agent: TestAgent) => String(agent.log.find(({ msg }) => msg === "agent started")?.sealingKey);

/** The names of all files below a folder that hold one of these texts in their bytes. */
function holders(folder: string, texts: string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = readFileSync(path);
      return texts.some((text) => bytes.includes(text));
    });
}

test("[S18] a value goes from the command line to a step, and is in the clear nowhere between", async () => {
  const tenant = await world().signUp();
  const one = await world().startAgent(tenant, { name: "one" });
  const two = await world().startAgent(tenant, { name: "two" });
  await two.stop();
  const pins = [one, two].flatMap((agent) => ["--fingerprint", shown(agent)]);
  const set = await farhand(tenant, ["set", "db-password", "--pool", "default", ...pins], CANARY);
  expect([set.exitCode, set.stderr]).toEqual([0, ""]);
  expect(set.stdout).toContain(`seals to one  ${shown(one)}`);
  expect(set.stdout).toContain("one keeps it");
  expect(set.stdout).toContain("two is told when it connects");

  const execution = await tenant.run(USE);
  expect((await execution.finished()).state).toBe("succeeded");
  const digest = createHash("sha256").update(CANARY).digest("hex");
  expect(execution.stdout("use")).toBe(`got [secret:db-password]\n${digest}  -\n`);

  await two.run();
  await expect
    .poll(async () => (await farhand(tenant, ["list"])).stdout, { timeout: 15_000 })
    .toMatch(/^db-password {2}sealed {2}two/m);
  const base64 = Buffer.from(CANARY).toString("base64");
  const places = [CANARY, Buffer.from(CANARY).toString("hex"), base64, base64.replace(/=+$/, "")];
  expect(holders(world().folder, places)).toEqual([]);
  // It would have been found: the name is.
  expect(holders(join(world().folder, "data"), ["db-password"])).not.toEqual([]);

  expect((await farhand(tenant, ["remove", "db-password"])).exitCode).toBe(0);
  await expect.poll(async () => (await farhand(tenant, ["list"])).stdout, { timeout: 15_000 }).toBe("");
  expect((await (await tenant.run(USE)).finished()).state).toBe("failed");
}, 120_000);

test("[S18] with a fingerprint, nothing is sealed to a key that the host does not show", async () => {
  const tenant = await world().signUp();
  const agent = await world().startAgent(tenant, { name: "one" });
  await world().startAgent(tenant, { name: "stranger" });
  const pin = ["--fingerprint", shown(agent)];
  const refused = await farhand(tenant, ["set", "x", "--pool", "default", ...pin], CANARY);
  expect([refused.exitCode, refused.stderr]).toEqual([
    1,
    expect.stringMatching(/nothing was sealed: stranger has the key [0-9a-f]{64}/),
  ]);
  expect((await farhand(tenant, ["list"])).stdout).toBe("");
  const named = await farhand(tenant, ["set", "x", "--agent", "one", ...pin], CANARY);
  expect([named.exitCode, named.stderr]).toEqual([0, ""]);
  expect((await told(tenant, "one")).sealing?.fingerprint).toBe(shown(agent));
});

test.each([
  [["set", "x"], "v", 2, "--pool NAME"],
  [["set", "X y", "--pool", "default"], "v", 2, "lower-case"],
  [["set"], "v", 2, "the name of a secret"],
  [["set", "x", "--pool", "none"], CANARY, 1, 'the pool "none" has no agents'],
  [["set", "x", "--agent", "nobody"], CANARY, 1, 'there is no agent "nobody"'],
  [["set", "x", "--pool", "default", "--fingerprint", "ab"], CANARY, 2, "64 hexadecimal digits"],
  [["remove", "x"], "", 1, "There is no sealed secret"],
  [["list", "more"], "", 2, '"more" is too much'],
  [["nonsense"], "", 2, 'no command "secrets nonsense"'],
])("the command line says of %j what is wrong", async (args, input, exitCode, words) => {
  const answer = await farhand(await world().signUp(), args, input);
  expect([answer.exitCode, answer.stderr]).toEqual([exitCode, expect.stringContaining(words)]);
  expect(answer.stderr).not.toContain("    at ");
});

test("the command line refuses a value that is too short, and tells what a host does not take", async () => {
  const tenant = await world().signUp();
  const folder = world().newFolder("policy");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "policy.yaml");
  writeFileSync(file, "sealed: {accept: [web-*]}\n", { mode: 0o644 });
  await world().startAgent(tenant, {
    ...{ name: "one", env: { FARHAND_POLICY: file, FARHAND_OWN_POLICY: "true" } },
  });
  const short = await farhand(tenant, ["set", "x", "--pool", "default"], "abc\n");
  expect([short.exitCode, short.stderr]).toEqual([1, expect.stringContaining("shorter than 6 bytes")]);
  const long = await farhand(tenant, ["set", "x", "--pool", "default"], "a".repeat(70_000));
  expect([long.exitCode, long.stderr]).toEqual([1, expect.stringContaining("over 64 KiB")]);
  const refused = await farhand(tenant, ["set", "x", "--pool", "default"], CANARY);
  expect([refused.exitCode, refused.stdout, refused.stderr]).toEqual([
    1,
    expect.stringContaining("one refused it: policy.yaml:1 sealed.accept: sealed secrets called x"),
    expect.stringContaining("1 of 1 agents refused it"),
  ]);
  expect((await farhand(tenant, ["set", "web-x", "--pool", "default"], CANARY)).exitCode).toBe(0);
});
