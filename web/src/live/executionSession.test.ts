import { describe, expect, it } from "vitest";
import type { Execution, Step } from "#protocol/api/executions.ts";
import { encodeChunk } from "#protocol/chunk.ts";
import { newId } from "#protocol/ids.ts";
import { encodeOutputFrame } from "#protocol/viewer.ts";
import { ExecutionSession } from "./executionSession.ts";
import type { LiveSocketHandlers } from "./liveSocket.ts";

/** Viewers do not look at checksums: the coordinator has. */
const unchecked = () => 0;

const CREATED = "2026-01-01T00:00:00.000Z";
const output = { bytes: 0, lines: 0, cutBytes: 0 };

function execution(): Execution {
  const runbookId = newId("runbook");
  return {
    id: newId("execution"),
    runbookId,
    versionNumber: 1,
    title: "Restart",
    state: "queued",
    trigger: { type: "user" },
    actor: { type: "user", id: "u", name: "Ada" },
    createdAt: CREATED,
    canceling: false,
    planDigest: "d",
    head: 2,
    plan: {
      schema: 1,
      organizationId: newId("organization"),
      runbookId,
      versionId: newId("version"),
      versionNumber: 1,
      versionHash: "h",
      title: "Restart",
      parameters: {},
      target: { poolId: newId("pool"), poolName: "default", labels: {} },
      blocks: [],
      nonce: "n",
      expiresAt: 0,
    },
    steps: ["one", "two"].map((id) => ({
      id,
      kind: "command",
      title: id,
      state: "pending",
      attempt: 0,
      output,
    })),
  };
}

function session() {
  let handlers: LiveSocketHandlers | undefined;
  const subject = new ExecutionSession(execution(), {
    connect: (given) => {
      handlers = given;
      return { send: () => {}, reconnect: () => {}, close: () => {} };
    },
    readRange: async () => new Uint8Array(),
    schedule: (run) => run(),
  });
  const close = subject.open();
  let seq = subject.getSnapshot().execution.head;
  return {
    subject,
    close,
    view(progress: Partial<Execution>, steps: Partial<Step>[], head = ++seq) {
      const { plan: _, planDigest: __, steps: known, ...rest } = execution();
      const changed = steps.map((step) => ({ ...known[0], ...step }));
      const view = { type: "view", execution: { ...rest, ...progress, head }, steps: changed };
      handlers?.onText(JSON.stringify(view));
    },
    output(step: string, text: string, attempt = 1) {
      const payload = new TextEncoder().encode(text);
      const chunk = encodeChunk({ step, attempt, stream: "stdout", offset: 0, time: 0, payload }, unchecked);
      handlers?.onBinary?.(encodeOutputFrame({ seq: ++seq, position: 0, line: 0 }, chunk));
    },
    status: () => subject.getSnapshot().connection,
    end: () => handlers?.onText(JSON.stringify({ type: "end", seq })),
    step: (id: string) => subject.getSnapshot().execution.steps.find((step) => step.id === id),
  };
}

describe("execution session", () => {
  it("shows of an execution what the server says, in place of what it said before", () => {
    const live = session();
    live.view({ state: "running" }, [{ id: "one", state: "running", attempt: 1, agentName: "db-1" }]);
    expect(live.subject.getSnapshot().execution).toMatchObject({ state: "running" });
    expect(live.step("one")).toMatchObject({ state: "running", agentName: "db-1" });
    live.output("one", "hi\n");
    live.view({ state: "failed", confirmed: false, durationMs: 9_000 }, [
      { id: "one", state: "failed", attempt: 1 },
      { id: "one~0", state: "skipped", attempt: 0 },
    ]);
    live.end();
    expect(live.step("one")).toMatchObject({ state: "failed" });
    expect(live.subject.getSnapshot().execution.steps.map(({ id }) => id)).toEqual(["one", "two", "one~0"]);
    expect(live.subject.getSnapshot()).toMatchObject({
      connection: "ended",
      execution: { state: "failed", confirmed: false, durationMs: 9_000 },
    });
    expect(live.subject.log("one").store.line(0)?.spans[0]?.text).toBe("hi");
  });

  it("never goes back to what was known before", () => {
    const live = session();
    live.view({ state: "running" }, [], 9);
    live.view({ state: "queued" }, [], 8);
    expect(live.subject.getSnapshot().execution.state).toBe("running");
  });

  it("a new attempt begins a new log", () => {
    const live = session();
    live.output("one", "first\n");
    const first = live.subject.log("one");
    live.output("one", "second\n", 2);
    expect(live.subject.log("one")).not.toBe(first);
    expect(live.subject.log("one").store.line(0)?.spans[0]?.text).toBe("second");
    live.output("one", "late\n", 1);
    expect(live.subject.log("one").store.lineCount).toBe(1);
  });
});
