/** `farhand secrets`: values are sealed here, to the keys of agents, and go out as ciphertext alone. */
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { meSchema } from "#protocol/api/keys.ts";
import { type Agent, agentSchema } from "#protocol/api/pools.ts";
import { type Secret, type SecretDelivery, secretSchema } from "#protocol/api/secrets.ts";
import { type Recipient, recipientOf, sealForAll } from "#protocol/sealing/recipients.ts";
import { secretNameSchema, secretValueProblem } from "#protocol/secrets.ts";
import { Api } from "../api.ts";
import { EXIT, Failure } from "../failure.ts";
import { say, secretInput } from "../terminal.ts";

/** How long it waits to tell what became of it; agents that are connected answer at once. */
const ANSWERS_MS = 10_000;
const LOOK_EVERY_MS = 200;

export const secretsSetFlags = z.object({
  pool: z.string().optional(),
  agent: z.array(z.string()).default([]),
  fingerprint: z
    .array(
      z
        .string()
        .toLowerCase()
        .regex(/^[0-9a-f]{64}$/, {
          error: 'a fingerprint is 64 hexadecimal digits, as "farhand-agent status" shows it as sealing key',
        }),
    )
    .default([]),
});

/** Seals a value to agents, and says what became of it. @throws Failure when one refused it */
export async function setSecret(what: string, flags: z.infer<typeof secretsSetFlags>): Promise<void> {
  const name = nameOf(what);
  if (flags.pool === undefined && flags.agent.length === 0) {
    throw new Failure("say who gets it: --pool NAME for all agents of a pool, or --agent NAME", EXIT.usage);
  }
  const api = Api.of(process.env);
  const organizationId = (await api.get(meSchema, "/me")).data.organization.id;
  const recipients = await recipientsOf(organizationId, await wantedAgents(api, flags), flags.fingerprint);
  for (const recipient of recipients) say(`seals to ${recipient.name}  ${recipient.fingerprint}`);
  const value = await secretInput(`Value of ${name}: `);
  const problem = secretValueProblem(value);
  if (problem) throw new Failure(`the value ${problem}`);
  const known = await find(api, name);
  const parts = await sealForAll({ organizationId, name }, recipients, value, known, Date.now());
  value.fill(0);
  for (const envelopes of parts) await api.put(secretSchema, `/secrets/${name}`, { envelopes });
  tell(await answersOf(api, name, recipients));
}

/** Names, kinds of providers and who holds them; there are no values to show. */
export async function listSecrets(): Promise<void> {
  const secrets = (await Api.of(process.env).get(z.array(secretSchema), "/secrets")).data;
  for (const { name, agents, deliveries } of secrets) {
    for (const agent of agents) say(`${name}  ${agent.type}  ${agent.name} (${agent.poolName})`);
    for (const delivery of deliveries) {
      if (delivery.state !== "done") say(`${name}  ${wordsOf(delivery)}  (${delivery.agent.poolName})`);
    }
  }
}

/** Has agents forget what was sealed to them. */
export async function removeSecret(what: string): Promise<void> {
  const name = nameOf(what);
  await Api.of(process.env).delete(z.object({ name: z.string() }), `/secrets/${name}`);
  say(`all agents that were sent ${name} forget it, those that are away when they connect`);
}

function nameOf(what: string): string {
  const parsed = secretNameSchema.safeParse(what);
  if (parsed.success) return parsed.data;
  throw new Failure(parsed.error.issues[0]?.message ?? "this is no name of a secret", EXIT.usage);
}

async function wantedAgents(api: Api, { pool, agent: names }: z.infer<typeof secretsSetFlags>) {
  const all = (await api.all(agentSchema, "/agents")).filter(({ revokedAt }) => !revokedAt);
  const unknown = names.find((wanted) => !all.some(({ id, name }) => id === wanted || name === wanted));
  if (unknown !== undefined) throw new Failure(`there is no agent "${unknown}"`);
  const isNamed = ({ id, name }: Agent) => names.length === 0 || names.includes(id) || names.includes(name);
  const wanted = all.filter((agent) => isNamed(agent) && (pool === undefined || agent.poolName === pool));
  if (wanted.length > 0) return wanted;
  throw new Failure(
    names.length > 0 ? `none of these agents is in the pool "${pool}"` : `the pool "${pool}" has no agents`,
  );
}

/** @throws Failure when nobody can open it, or a key is none of those that were named */
async function recipientsOf(organizationId: string, agents: Agent[], pinned: string[]): Promise<Recipient[]> {
  const recipients: Recipient[] = [];
  for (const agent of agents) {
    const found = await recipientOf(organizationId, agent);
    if (found.ok) recipients.push(found.recipient);
    else if (agents.length === 1 || pinned.length > 0) throw new Failure(found.problem);
    else say(`leaves out: ${found.problem}`);
  }
  const stranger = recipients.find(({ fingerprint }) => pinned.length > 0 && !pinned.includes(fingerprint));
  if (stranger) {
    throw new Failure(
      `nothing was sealed: ${stranger.name} has the key ${stranger.fingerprint}, which is none of those that you named. Compare it with "farhand-agent status" on its host`,
    );
  }
  if (recipients.length === 0) throw new Failure("none of these agents takes sealed secrets");
  return recipients;
}

async function find(api: Api, name: string): Promise<Secret | undefined> {
  return (await api.get(z.array(secretSchema), "/secrets")).data.find((secret) => secret.name === name);
}

/** What each of them has made of it, as soon as all have answered, or it took too long. */
async function answersOf(api: Api, name: string, recipients: Recipient[]): Promise<SecretDelivery[]> {
  const ids = new Set(recipients.map(({ agentId }) => agentId));
  for (let left = ANSWERS_MS; ; left -= LOOK_EVERY_MS) {
    const deliveries = (await find(api, name))?.deliveries.filter(({ agent }) => ids.has(agent.id)) ?? [];
    if (left <= 0 || deliveries.every(({ state }) => state !== "pending")) return deliveries;
    await wait(LOOK_EVERY_MS);
  }
}

function tell(deliveries: SecretDelivery[]): void {
  for (const delivery of deliveries) say(wordsOf(delivery));
  const refused = deliveries.filter(({ state }) => state === "refused").length;
  if (refused > 0) throw new Failure(`${refused} of ${deliveries.length} agents refused it`);
}

function wordsOf({ agent, action, state, detail }: SecretDelivery): string {
  switch (state) {
    case "done":
      return `${agent.name} ${action === "put" ? "keeps it" : "has forgotten it"}`;
    case "pending":
      return `${agent.name} is told when it connects, within 7 days`;
    case "refused":
      return `${agent.name} refused it: ${detail ?? "it does not say why"}`;
    case "expired":
      return `${agent.name} was not there for 7 days`;
    default:
      return state satisfies never;
  }
}
