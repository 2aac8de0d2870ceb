/** What tests of a pool share: executions on scripted agents, and calls that are held up or fail. */
import { expect, vi } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import { newId } from "#protocol/ids.ts";
import type { CreateExecution } from "../../worker/execution/contract.ts";
import { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import {
  Attempt,
  acceptOffer,
  command,
  connectAgent,
  coordinatorOf,
  newExecution,
  newPlace,
  openData,
  type Place,
} from "./scriptedAgent.ts";

/**
 * Has the pool's question to a coordinator wait until it is let through. Told by
 * variables: a promise may not be awaited in one object and resolved in another.
 */
export function holdOffers() {
  let asked = 0;
  let answered = 0;
  let open = false;
  const own = ExecutionCoordinator.prototype.offerTo;
  vi.spyOn(ExecutionCoordinator.prototype, "offerTo").mockImplementation(async function (
    this: ExecutionCoordinator,
    ...args
  ) {
    const answer = await own.apply(this, args);
    asked++;
    while (!open) await scheduler.wait(1);
    answered++;
    return answer;
  });
  return {
    asked: () => expect.poll(() => asked, { interval: 1 }).toBeGreaterThan(0),
    letThrough: () => {
      open = true;
      return expect.poll(() => asked - answered, { interval: 1 }).toBe(0);
    },
  };
}

/** Has the next call of a coordinator's method fail. */
export function failOnce(method: "offerTo" | "leaseLost" | "leaseFailed") {
  vi.spyOn(ExecutionCoordinator.prototype, method).mockImplementationOnce(async () => {
    throw new Error("no answer");
  });
}

export async function trigger(place: Place, blocks: Block[] = [command("a")]) {
  const execution = await newExecution(place, blocks);
  const stub = coordinatorOf(place, execution.executionId);
  await stub.create(execution);
  return { id: execution.executionId, stub };
}

/** What a coordinator asks the pool for its first step. */
export function requestOf({ executionId, plan, planDigest }: CreateExecution) {
  const leaseId = newId("lease");
  const until = Date.now() + 3_600_000;
  return {
    request: { leaseId, executionId, fence: 1, labels: {}, wantedAgentId: undefined, until },
    payload: {
      plan,
      planDigest,
      firstStep: { type: "step.start", id: "x", step: "a", attempt: 1, fence: 1 },
    },
  } as const;
}

export async function read(stub: ReturnType<typeof coordinatorOf>) {
  const execution = await stub.read();
  if (!execution) throw new Error("no such execution");
  return execution;
}

export const DECLINE = { reason: "draining", detail: "" } as const;

/** An execution whose first step runs. */
export async function running(blocks: Block[] = [command("a")], place: Place = newPlace()) {
  const control = await connectAgent(place);
  const { id, stub } = await trigger(place, blocks);
  const { lease } = await acceptOffer(control);
  const data = await openData(place, id);
  const attempt = new Attempt("a", lease.fence);
  data.send(attempt.hello(lease));
  data.send(attempt.started());
  await data.next("welcome");
  return { place, control, id, stub, lease, data, attempt };
}

/** Waits until the execution's log holds an event of this type. */
export async function logged(stub: ReturnType<typeof coordinatorOf>, type: string): Promise<void> {
  const stream = await stub.fetch("https://object/events.sse");
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (reader && !text.includes(`event: ${type}\n`)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the log ended without ${type}: ${text}`);
    text += value;
  }
  await reader?.cancel();
}
