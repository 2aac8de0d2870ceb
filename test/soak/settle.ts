/** After the trouble: waits for quiet, reads everything back and balances the accounts. */
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Execution } from "#protocol/api/executions.ts";
import { agentSchema } from "#protocol/api/pools.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import type { Client } from "../../scripts/lib/client.ts";
import { balance, isBalanced, type Ledger, type Started } from "./ledger.ts";
import { executionsOf, leaksIn, listOf, storedOf } from "./read.ts";

/** Longer than the longest step, its cancel and every pause between reconnects take together. */
export const SETTLE_MS = 240_000;
/** When everything has ended and every agent is back, what is still to be said is under way. */
const LAST_WORDS_MS = 30_000;
const LOOK_EVERY_MS = 3_000;

export interface Accounts {
  api: Client;
  signal: AbortSignal;
  say(line: string): void;
  /** By execution. */
  started: ReadonlyMap<string, Started>;
  /** The file in which scripts noted that they were started. */
  notes: string;
  /** Keys of executions, once for each request that came. */
  requests: readonly string[];
  /** Bytes by `streamKey`. */
  acknowledged: ReadonlyMap<string, number>;
  /** What went wrong otherwise, in words. */
  problems: readonly string[];
  /** Where no secret may be. */
  folders: readonly string[];
}

/** Waits until the accounts are even, or for so long that they never will be. */
export async function settle(accounts: Accounts): Promise<{ ledger: Ledger; executions: Execution[] }> {
  const { api, signal, say } = accounts;
  let deadline = performance.now() + SETTLE_MS;
  for (;;) {
    signal.throwIfAborted();
    const executions = await executionsOf(api);
    const open = executions.filter(({ state }) => !isExecutionTerminal(state));
    const away = await absences(api);
    const isLate = performance.now() > deadline;
    if (isLate || (open.length === 0 && away.length === 0)) {
      const ledger = await balanced(accounts, executions, away);
      if (isBalanced(ledger) || isLate) return { ledger, executions };
      deadline = Math.min(deadline, performance.now() + LAST_WORDS_MS);
    }
    for (const { id } of open.filter(({ paused }) => paused)) {
      await api.raw("POST", `/api/v1/executions/${id}/resume`, { body: {} });
    }
    if (open.length > 0) say(`${open.length} executions have not ended yet`);
    if (away.length > 0) say(`${away.length} agents are not back yet`);
    await wait(LOOK_EVERY_MS);
  }
}

/** Agents that came to harm: each has to be connected, and to take work. */
async function absences(api: Client): Promise<string[]> {
  const agents = await listOf(api, "/agents", agentSchema);
  return agents.flatMap(({ name, quarantinedAt, presence }) => {
    if (quarantinedAt !== undefined) return [`${name} is believed to be two machines`];
    if (!presence) return [`${name} is not connected`];
    return presence.draining ? [`${name} takes no work`] : [];
  });
}

async function balanced(
  { api, started, notes, requests, acknowledged, problems, folders }: Accounts,
  executions: readonly Execution[],
  away: readonly string[],
): Promise<Ledger> {
  const stored = [];
  for (const execution of executions) {
    stored.push(...(await storedOf(api, execution, started.get(execution.id))));
  }
  const runs = readFileSync(notes, "utf8").split("\n").filter(Boolean);
  const books = { started, executions, runs, requests, acknowledged, stored };
  return balance(books, [...problems, ...away, ...leaksIn(folders)]);
}
