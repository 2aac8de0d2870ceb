/** The demo that `npm start` sets up: a person, a pool, an agent's way in, and the sample runbook. */
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { agentSchema, joinTokenCreatedSchema, poolSchema } from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { Client, openSession } from "./client.ts";
import { ROOT } from "./paths.ts";
import { Problem } from "./problem.ts";

const POOL = "default";

const recordSchema = z.object({
  email: z.string(),
  password: z.string(),
  runbookId: z.string().optional(),
  /** Where the agent enrolled; another port is another place to it. */
  agentUrl: z.string().optional(),
});
type DemoRecord = z.infer<typeof recordSchema>;

export interface Demo {
  /** Acts as the demo person. */
  client: Client;
  record: DemoRecord;
  /** Keeps what changed in the record for the next start. */
  save(changes: Partial<DemoRecord>): Promise<void>;
}

/** Logs the demo person in, or signs it up when the data folder is new. */
export async function openDemo(url: string, dataDir: string): Promise<Demo> {
  const path = join(dataDir, "demo.json");
  const record = (await readRecord(path)) ?? {
    email: "demo@example.com",
    password: randomBytes(9).toString("base64url"),
  };
  const save = async (changes: Partial<DemoRecord>) => {
    Object.assign(record, changes);
    await writeFile(path, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  };
  const anonymous = new Client(url);
  const person = { email: record.email, password: record.password };
  const cookie =
    (await openSession(anonymous, "sign-in", person)) ??
    (await openSession(anonymous, "sign-up", { ...person, name: "Demo" }));
  if (!cookie) {
    throw new Problem(
      `The demo person cannot log in any more: ${path} does not fit the database. Delete ${dataDir}.`,
    );
  }
  await save({});
  return { client: anonymous.with({ cookie }), record, save };
}

/** A join token for the demo's pool, which is made when it is not there. */
export async function joinToken({ client }: Demo): Promise<string> {
  const pools = await client.call(z.array(poolSchema), "GET", "/pools");
  const pool =
    pools.find((each) => each.name === POOL) ??
    (await client.call(poolSchema, "POST", "/pools", { body: { name: POOL } }));
  const { token } = await client.call(joinTokenCreatedSchema, "POST", "/join-tokens", {
    body: { poolId: pool.id },
  });
  return token;
}

/** Revokes agents of earlier starts that this start will not bring back. */
export async function revokeAgents({ client }: Demo, name: string): Promise<void> {
  const agents = await client.call(z.array(agentSchema), "GET", "/agents");
  for (const agent of agents) {
    if (agent.name === name && !agent.revokedAt) await client.raw("DELETE", `/api/v1/agents/${agent.id}`);
  }
}

export async function connectedAgent({ client }: Demo): Promise<string | undefined> {
  const agents = await client.call(z.array(agentSchema), "GET", "/agents");
  return agents.find((agent) => agent.presence)?.name;
}

/** The id of the sample runbook, which is made when it is not there. */
export async function sampleRunbook({ client, record, save }: Demo): Promise<string> {
  if (record.runbookId) {
    const known = await client.raw("GET", `/api/v1/runbooks/${record.runbookId}`);
    await known.body?.cancel();
    if (known.ok) return record.runbookId;
  }
  const source = await readFile(join(ROOT, "docs/examples/hello.md"), "utf8");
  const { id } = await client.call(runbookSchema, "POST", "/runbooks", { body: { source } });
  await save({ runbookId: id });
  return id;
}

async function readRecord(path: string): Promise<DemoRecord | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  return recordSchema.parse(JSON.parse(text));
}
