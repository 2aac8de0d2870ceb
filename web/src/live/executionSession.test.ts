import { describe, expect, it } from "vitest";
import type { Execution } from "#protocol/api/executions.ts";
import { encodeChunk } from "#protocol/chunk.ts";
import type { ExecutionEvent } from "#protocol/events.ts";
import { newId } from "#protocol/ids.ts";
import { encodeOutputFrame } from "#protocol/viewer.ts";
import { applyEvent } from "./applyEvent.ts";
import { ExecutionSession } from "./executionSession.ts";
import type { LiveSocketHandlers } from "./liveSocket.ts";

/** Viewers do not look at checksums: the coordinator has. */
const unchecked = () => 0;

const CREATED = "2026-01-01T00:00:00.000Z";
const LATER = "2026-01-01T00:00:09.000Z";
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
    say(...events: ExecutionEvent[]) {
      for (const event of events) {
        handlers?.onText(JSON.stringify({ type: "event", seq: ++seq, time: LATER, event }));
      }
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

const streams = {
  stdout: { bytes: 3, sha256: "0".repeat(64), cutBytes: 5 },
  stderr: { bytes: 0, sha256: "0".repeat(64), cutBytes: 0 },
};

describe("execution session", () => {
  it("follows an execution from the queue to its end", () => {
    const live = session();
    live.say(
      { type: "lease.requested", fence: 1, leaseId: "l" },
      { type: "step.dispatched", step: "one", attempt: 1, fence: 1 },
      { type: "lease.queued", fence: 1, ahead: 2, reason: "all_busy" },
    );
    expect(live.subject.getSnapshot().execution.queue).toEqual({ ahead: 2, reason: "all_busy" });
    expect(live.step("one")?.state).toBe("waiting");
    live.say(
      { type: "step.dispatched", step: "one", attempt: 1, fence: 1 },
      { type: "lease.granted", fence: 1, agentId: "a", agentName: "db-1" },
      { type: "step.started", step: "one", attempt: 1, pid: 7, agentTime: 0 },
    );
    expect(live.subject.getSnapshot().execution).toMatchObject({ state: "running", queue: undefined });
    expect(live.step("one")).toMatchObject({ state: "running", agentName: "db-1", startedAt: LATER });
    live.output("one", "hi\n");
    live.say(
      {
        type: "step.finished",
        step: "one",
        attempt: 1,
        state: "failed",
        outcome: { type: "exited", exitCode: 3 },
        durationMs: 12,
        streams,
      },
      { type: "step.skipped", step: "two", reason: "an earlier step did not succeed" },
      { type: "execution.finished", state: "failed", confirmed: true, detail: "step one" },
    );
    live.end();
    expect(live.step("one")).toMatchObject({ state: "failed", output: { cutBytes: 5 }, durationMs: 12 });
    expect(live.step("two")?.state).toBe("skipped");
    expect(live.subject.getSnapshot()).toMatchObject({
      connection: "ended",
      execution: { state: "failed", durationMs: 9_000 },
    });
    expect(live.subject.log("one").store.line(0)?.spans[0]?.text).toBe("hi");
  });

  it("says when a lost agent is back, and that a cancel is not confirmed", () => {
    const live = session();
    live.say(
      { type: "step.dispatched", step: "one", attempt: 1, fence: 1 },
      { type: "step.started", step: "one", attempt: 1, pid: 7, agentTime: 0 },
      { type: "step.unreachable", step: "one", attempt: 1, reason: "no word for 45 s" },
    );
    expect(live.step("one")).toMatchObject({ state: "unreachable", detail: "no word for 45 s" });
    live.say({ type: "step.reachable", step: "one", attempt: 1 });
    expect(live.step("one")).toMatchObject({ state: "running", detail: undefined });
    live.say({ type: "cancel.requested", actor: { type: "anonymous" }, reason: "" });
    expect(live.subject.getSnapshot().execution.canceling).toBe(true);
    live.say({ type: "execution.finished", state: "canceled", confirmed: false });
    expect(live.subject.getSnapshot().execution).toMatchObject({ canceling: false, confirmed: false });
  });

  it("ignores events it knew from the start", () => {
    const known = execution();
    const event = { type: "execution.finished", state: "failed", confirmed: true } as const;
    expect(applyEvent(known, { seq: known.head, time: LATER, event })).toBe(known);
    expect(applyEvent(known, { seq: known.head + 1, time: LATER, event }).state).toBe("failed");
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
