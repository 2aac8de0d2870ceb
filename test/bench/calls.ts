import { join } from "node:path";
import { oneCommand } from "./arena.ts";
import type { Call } from "./counting/call.ts";
import { forgetCalls, startCountingSite, untilQuiet } from "./countingSite.ts";
import type { Measurement } from "./measurement.ts";
import { alone } from "./results.ts";

/** Long enough for what an execution has done for it only once it has been there for a while. */
const LASTING = "echo hello\nsleep 1";

/** Calls of one execution, counted in a worker of their own whose bindings are wrapped. */
export const calls: Measurement = {
  title: "D1 and Durable Object calls of an execution",
  rounds: 4,
  budgetMs: 20_000,
  async run({ folder, shutdown }, rounds) {
    const { farhand } = await startCountingSite({ folder: join(folder, "counting"), shutdown });
    const brief = await farhand.write(oneCommand("sh", "echo hello"));
    const lasting = await farhand.write(oneCommand("sh", LASTING));
    const callsOf = async (runbookId: string) => {
      await untilQuiet(farhand.url);
      await forgetCalls(farhand.url);
      await farhand.run(runbookId);
      return untilQuiet(farhand.url);
    };
    await farhand.run(brief);
    const executions: Call[][] = [];
    const longer: Call[][] = [];
    for (const _ of rounds) {
      executions.push(await callsOf(brief));
      longer.push(await callsOf(lasting));
    }
    const count = (of: (call: Call) => boolean, among = executions) =>
      among.map((each) => each.filter(of).length);
    const d1 = ({ kind }: Call) => kind === "d1";
    const writes = (call: Call) => d1(call) && call.writes;
    return {
      rows: [
        alone(
          "D1 reads in an execution",
          "calls",
          count((call) => d1(call) && !writes(call)),
        ),
        alone("D1 writes in an execution", "calls", count(writes), { atMost: 2 }),
        alone("D1 writes in one that lasts a second", "calls", count(writes, longer), { atMost: 2 }),
        alone("D1 calls one after the other in the trigger", "calls", executions.map(chainInTrigger), {
          atMost: 2,
        }),
        alone(
          "Durable Object calls in an execution",
          "calls",
          count(({ kind }) => kind === "object"),
        ),
        alone(
          "WebSocket messages to objects",
          "calls",
          count(({ kind }) => kind === "message"),
        ),
        alone(
          "alarms",
          "calls",
          count(({ kind }) => kind === "alarm"),
        ),
      ],
      notes: describe(executions.at(-1) ?? []),
    };
  },
};

/** The longest row of D1 calls of the request itself that each wait for the one before. */
function chainInTrigger(calls: readonly Call[]): number {
  const own = calls.filter(({ from, kind }) => from === "API request" && kind === "d1");
  const longestAt = new Map<Call, number>();
  for (const call of own.toSorted((a, b) => a.began - b.began)) {
    const before = own.filter(({ ended = Number.POSITIVE_INFINITY }) => ended < call.began);
    longestAt.set(call, 1 + Math.max(0, ...before.map((each) => longestAt.get(each) ?? 0)));
  }
  return Math.max(0, ...longestAt.values());
}

/** One line for each kind of call, with how many there were, in the order in which they first came. */
function describe(calls: readonly Call[]): string[] {
  const lines = calls.map(({ from, what }) => `${from}: ${what}`);
  return Array.from(
    Map.groupBy(lines, (line) => line),
    ([line, same]) => `${same.length} × ${line}`,
  );
}
