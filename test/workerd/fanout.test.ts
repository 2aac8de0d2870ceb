/** One step over 200 agents: each has a state and an output of its own, while it runs and ever after. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { type executionSchema, executionSummarySchema, type stepSchema } from "#protocol/api/executions.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import type { Stream } from "#protocol/chunk.ts";
import { newId } from "#protocol/ids.ts";
import { decodeOutputFrame } from "#protocol/viewer.ts";
import { KEEP_MS, REST_MS } from "../../worker/execution/archive/archiver.ts";
import { eventually } from "./eventually.ts";
import { call, dataOf, type Person, request, signUp } from "./harness.ts";
import {
  Attempt,
  acceptOffer,
  type CoordinatorStub,
  connectAgent,
  coordinatorOf,
  type Line,
  type Message,
  openData,
  openViewer,
  type Place,
} from "./scriptedAgent.ts";

const AGENTS = 200;
/** These exit with 3, this one goes away in the middle, and this one takes its time. */
const FAILING = new Set([7, 19, 42, 142, 199]);
const VANISHING = 77;
const SLOW = 100;

type Step = z.infer<typeof stepSchema>;

afterEach(() => {
  vi.useRealTimers();
});

/** What the script of an agent prints: of a size of its own, some of it over several chunks. */
function outputOf(n: number, stream: Stream): string {
  const line = stream === "stdout" ? `out ${n} é\n` : `err ${n}\n`;
  return line.repeat(stream === "stdout" ? 1 + ((n * 37) % 101) : n % 3);
}

/** An agent that takes each lease and runs its one step until it is told how it ends. */
class FleetAgent {
  readonly control: Line;
  /** Steps that were begun on it. */
  readonly ran: string[] = [];
  readonly #place: Place;
  readonly #n: number;
  readonly #held = new Map<string, { data: Line; attempt: Attempt }>();

  private constructor(place: Place, n: number, control: Line) {
    this.#place = place;
    this.#n = n;
    this.control = control;
  }

  static async connect(place: Place, n: number, serve: (agent: FleetAgent, step: string) => Promise<void>) {
    const agent = new FleetAgent(place, n, await connectAgent(place));
    void agent.#serve(serve);
    return agent;
  }

  /** Prints all there is to print of a step; resolves when it is acknowledged. */
  async print(step: string): Promise<void> {
    const { data, attempt } = this.#of(step);
    for (const stream of ["stdout", "stderr"] as const) {
      const bytes = new TextEncoder().encode(outputOf(this.#n, stream));
      if (bytes.length === 0) continue;
      const half = bytes.length >> 1;
      for (const part of [bytes.subarray(0, half), bytes.subarray(half)])
        if (part.length > 0) data.send(attempt.chunk(part, stream));
      await data.until(() => data.messages("output.ack").some(isAckOf(step, stream, bytes.length)));
    }
  }

  finish(step: string, exitCode = 0): void {
    const { data, attempt } = this.#of(step);
    data.send(attempt.finished({ type: "exited", exitCode }));
  }

  /** Its sockets are gone, and it never comes back. */
  vanish(): void {
    this.control.socket.close();
    for (const { data } of this.#held.values()) data.socket.close();
  }

  #of(step: string) {
    const held = this.#held.get(step);
    if (!held) throw new Error(`${step} does not run on agent ${this.#n}`);
    return held;
  }

  async #serve(serve: (agent: FleetAgent, step: string) => Promise<void>): Promise<void> {
    for (let n = 1; ; n++) {
      const { lease, firstStep } = await acceptOffer(this.control, n);
      const data = await openData(this.#place, lease.executionId);
      const attempt = new Attempt(firstStep.step, lease.fence);
      this.#held.set(firstStep.step, { data, attempt });
      data.send(attempt.hello(lease));
      await data.next("welcome");
      data.send(attempt.started());
      const ended = { type: "lease.ended", leaseId: lease.id, fence: lease.fence };
      void data.next("lease.release").then(() => {
        this.control.send(ended);
        data.socket.close();
      });
      this.ran.push(firstStep.step);
      void serve(this, firstStep.step);
    }
  }
}

const isAckOf = (step: string, stream: Stream, held: number) => (ack: Message) =>
  ack.step === step && ack.stream === stream && ack.held === held;

let person: Person;
let poolId: string;
const fleet: FleetAgent[] = [];
let serve: (agent: FleetAgent, step: string, n: number) => Promise<void> = async () => {};

const api = (method: string, path: string, body?: unknown) =>
  call(`/api/v1${path}`, { method, key: person.key, body });

beforeAll(async () => {
  person = await signUp();
  const [pool] = dataOf(await api("GET", "/pools"), z.array(poolSchema));
  poolId = pool?.id ?? "";
  const { organizationId } = person;
  for (let n = 0; n < AGENTS; n++) {
    const place = { organizationId, poolId, agentId: newId("agent"), name: nameOf(n) };
    fleet.push(await FleetAgent.connect(place, n, (agent, step) => serve(agent, step, n)));
  }
}, 30_000);

const nameOf = (n: number) => `agent-${String(n).padStart(3, "0")}`;
const stepOf = (n: number) => `work~${n}`;

interface Started {
  id: string;
  place: Place;
  stub: CoordinatorStub;
  read(): Promise<z.infer<typeof executionSchema>>;
}

async function start(target: string): Promise<Started> {
  for (const agent of fleet) agent.ran.length = 0;
  const source = `# Fleet\n\n\`\`\`farhand\nkind: command\nname: work\ninterpreter: sh\ntimeout: 10m\ntarget: ${target}\nscript: work\n\`\`\`\n`;
  const runbook = dataOf(await api("POST", "/runbooks", { source }), runbookSchema);
  const made = await api("POST", `/runbooks/${runbook.id}/executions`, {});
  const { id } = dataOf(made, executionSummarySchema);
  const place = { organizationId: person.organizationId, poolId, agentId: "" };
  const stub = coordinatorOf(place, id);
  const read = async () => {
    const execution = await stub.read();
    if (!execution) throw new Error("no such execution");
    return execution;
  };
  return { id, place, stub, read };
}

const numbers = Array.from({ length: AGENTS }, (_, n) => n);
const targetsOf = (steps: readonly Step[]) => steps.filter(({ id }) => id.startsWith("work~"));

function countOf(steps: readonly Step[]): Record<string, number> {
  const states = Map.groupBy(targetsOf(steps), ({ state }) => state);
  return Object.fromEntries(Array.from(states, ([state, { length }]) => [state, length]));
}

/** What the API answers about the output of one agent's step. */
async function output(id: string, n: number, query: string): Promise<string> {
  const path = `/api/v1/executions/${id}/steps/${encodeURIComponent(stepOf(n))}/output${query}`;
  return (await request(path, { key: person.key })).text();
}

/** [output of each stream, per agent], as the coordinator serves it: the same bytes, without the API's rate limit. */
async function allOutputs({ stub }: Started): Promise<[string, string][]> {
  const read = async (n: number, stream: Stream) =>
    (
      await stub.fetch(`https://object/steps/${encodeURIComponent(stepOf(n))}/output?stream=${stream}`)
    ).text();
  return Promise.all(
    numbers.map(async (n): Promise<[string, string]> => [await read(n, "stdout"), await read(n, "stderr")]),
  );
}

/** What a viewer was shown of each step and stream. */
function shownBy(viewer: Line): Map<string, string> {
  const parts = new Map<string, Uint8Array[]>();
  for (const frame of viewer.frames) {
    if (!(frame instanceof ArrayBuffer)) continue;
    const { step, stream, payload } = decodeOutputFrame(new Uint8Array(frame)).chunk;
    const key = `${step} ${stream}`;
    parts.set(key, [...(parts.get(key) ?? []), payload]);
  }
  return new Map(Array.from(parts, ([key, all]) => [key, new TextDecoder().decode(Buffer.concat(all))]));
}

async function alarmAfter(stub: CoordinatorStub, ms: number): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  await runDurableObjectAlarm(stub);
}

const expected = (): [string, string][] => numbers.map((n) => [outputOf(n, "stdout"), outputOf(n, "stderr")]);

/** Has it archived, and its coordinator emptied. */
async function archive({ stub }: Started): Promise<void> {
  await eventually(async () => {
    await alarmAfter(stub, REST_MS);
    await alarmAfter(stub, KEEP_MS);
    const count = await runInDurableObject(stub, (_, { storage }) =>
      Number(storage.sql.exec("SELECT COUNT(*) AS count FROM log").one().count),
    );
    expect(count).toBe(0);
  });
}

function stateOf(n: number): Step["state"] {
  if (FAILING.has(n)) return "failed";
  return n === VANISHING ? "unknown" : "succeeded";
}

describe("a command on 200 agents, a batch at a time", () => {
  /** Runs it on agents that fail as they should, and watches how many run at once. */
  async function roll(maxFailures: number, state: "succeeded" | "failed") {
    let now = 0;
    let most = 0;
    serve = async (agent, step, n) => {
      most = Math.max(most, ++now);
      await agent.print(step);
      now--;
      agent.finish(step, FAILING.has(n) ? 3 : 0);
    };
    const run = await start(`{ mode: rolling, batch: 10, max-failures: ${maxFailures} }`);
    const patience = { timeout: 30_000 };
    await vi.waitFor(async () => expect((await run.read()).state).toBe(state), patience);
    return { most, run, steps: (await run.read()).steps };
  }

  it("runs no more than the batch at once, and each target has an output of its own", async () => {
    const { most, run, steps } = await roll(FAILING.size, "succeeded");
    expect(most).toBe(10);
    expect(countOf(steps)).toEqual({ succeeded: AGENTS - FAILING.size, failed: FAILING.size });
    expect(await allOutputs(run)).toEqual(expected());
  }, 60_000);

  it("begins no further one after one failure too many", async () => {
    const { steps } = await roll(1, "failed");
    // 7 is tolerated, 19 is not: its batch is the last one, and the rest has no step.
    expect(countOf(steps)).toEqual({ succeeded: 18, failed: 2 });
    expect(steps.find(({ id }) => id === "work")).toMatchObject({
      state: "failed",
      lists: { total: AGENTS, started: 20, ended: 20, failed: 2 },
    });
  }, 60_000);
});

describe("a command on all of 200 agents", () => {
  it("[G3] [G5] has a state and an output for each of them, live, in the stream, and from the archive", async () => {
    serve = async (agent, step, n) => {
      await agent.print(step);
      if (n === VANISHING) agent.vanish();
      else if (n !== SLOW) agent.finish(step, FAILING.has(n) ? 3 : 0);
    };
    const run = await start("{ mode: all, max-failures: 10 }");
    const viewer = await openViewer(run.place, run.id);
    viewer.send({ type: "subscribe", after: 0, output: { mode: "all" } });
    await expect
      .poll(async () => countOf((await run.read()).steps), { timeout: 20_000 })
      .toEqual({ succeeded: 193, failed: 5, running: 1, unreachable: 1 });

    // While it runs: what has ended, what goes on, and what is away can all be read.
    expect(await output(run.id, SLOW, "?stream=stdout")).toBe(outputOf(SLOW, "stdout"));
    expect(await output(run.id, VANISHING, "?stream=stderr")).toBe(outputOf(VANISHING, "stderr"));
    const text = outputOf(42, "stdout");
    expect(await output(run.id, 42, "?stream=stdout&tail=2")).toBe("out 42 é\n".repeat(2));
    const range = Buffer.from(text).subarray(5, 25).toString();
    expect(await output(run.id, 42, "?stream=stdout&offset=5&limit=20")).toBe(range);
    expect(await output(run.id, 42, "?stream=stderr")).toBe(outputOf(42, "stderr"));

    fleet[SLOW]?.finish(stepOf(SLOW));
    await expect
      .poll(async () => countOf((await run.read()).steps), { timeout: 20_000 })
      .toMatchObject({ succeeded: 194 });
    await alarmAfter(run.stub, 11 * 60_000);
    expect(await viewer.end()).toMatchObject({ code: 1000 });

    const after = await run.read();
    expect(after.state).toBe("succeeded");
    expect(countOf(after.steps)).toEqual({ succeeded: 194, failed: 5, unknown: 1 });
    expect(after.steps.find(({ id }) => id === "work")).toMatchObject({
      lists: { total: AGENTS, started: AGENTS, ended: AGENTS, failed: 6 },
      detail: "6 of 200 failed, which is tolerated",
    });
    for (const step of targetsOf(after.steps)) {
      const n = Number(step.id.split("~")[1]);
      expect([step.agentName, step.state]).toEqual([nameOf(n), stateOf(n)]);
      if (FAILING.has(n)) expect(step.outcome).toEqual({ type: "exited", exitCode: 3 });
      const [out, err] = [outputOf(n, "stdout"), outputOf(n, "stderr")];
      expect(step.output.bytes).toBe(Buffer.byteLength(out + err));
    }
    expect(fleet.flatMap(({ ran }) => ran)).toEqual(numbers.map(stepOf));

    // Byte for byte, from the log, to the viewer, and from the archive once the log is gone.
    expect(await allOutputs(run)).toEqual(expected());
    const shown = shownBy(viewer);
    for (const n of numbers) {
      expect(shown.get(`${stepOf(n)} stdout`)).toBe(outputOf(n, "stdout"));
      expect(shown.get(`${stepOf(n)} stderr`) ?? "").toBe(outputOf(n, "stderr"));
    }
    const log = await run.stub.events(0, 10_000);
    expect(log?.events.length).toBeLessThan(AGENTS * 8);
    expect(JSON.stringify(log).length).toBeLessThan(AGENTS * 2_000);
    await archive(run);
    expect(await allOutputs(run)).toEqual(expected());
    expect(countOf((await run.read()).steps)).toEqual({ succeeded: 194, failed: 5, unknown: 1 });
    expect(await output(run.id, 42, "?tail=1&stream=stdout")).toBe("out 42 é\n");
  }, 60_000);
});
