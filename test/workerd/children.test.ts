/** Executions that others start, and what becomes of them when a word between the two is lost. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { newId } from "#protocol/ids.ts";
import { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import { command, coordinatorOf, newExecution, newPlace, type Place } from "./scriptedAgent.ts";

const ADA = { type: "user", id: "usr_1", name: "Ada" } as const;

afterEach(() => {
  vi.restoreAllMocks();
});

/** An execution that is about to start another, which will wait for an agent that never comes. */
async function parentOf(place: Place) {
  const execution = await newExecution(place, [{ kind: "runbook", id: "start", runbook: "Child" }]);
  const versionId = newId("version");
  const { runbookId, versionNumber, versionHash, title, target } = execution.plan;
  const procedure = { runbookId, versionNumber, versionHash, title, target, blocks: [command("a")] };
  execution.plan.children = { start: versionId };
  execution.plan.runbooks = { [versionId]: { ...procedure, versionId, definitions: [] } };
  return { execution, stub: coordinatorOf(place, execution.executionId) };
}

async function childOf(place: Place, stub: ReturnType<typeof coordinatorOf>) {
  const executionId = await vi.waitUntil(async () => (await stub.read())?.steps[0]?.executionId);
  const child = coordinatorOf(place, executionId);
  await vi.waitUntil(async () => await child.read());
  return child;
}

const cancelByForce = { type: "cancel", actor: ADA, reason: "", force: true } as const;

describe("an execution that another one started", () => {
  it("[CX1] goes on while it is wanted, and is canceled when the word of its cancel was lost", async () => {
    const place = newPlace();
    const { execution, stub } = await parentOf(place);
    await stub.create(execution);
    const child = await childOf(place, stub);
    await child.sweep();
    expect((await child.read())?.state).toBe("queued");
    const ask = ExecutionCoordinator.prototype.ask;
    vi.spyOn(ExecutionCoordinator.prototype, "ask").mockImplementation(function (
      this: ExecutionCoordinator,
      input,
    ) {
      if ("actor" in input && input.actor.type === "system") throw new Error("no answer");
      return ask.call(this, input);
    });
    await stub.ask(cancelByForce);
    expect((await stub.read())?.state).toBe("canceled");
    expect((await child.read())?.state).toBe("queued");
    await child.sweep();
    await expect.poll(async () => (await child.read())?.state).toBe("canceled");
  });

  it("[CX1] does not go on when its start overtook the end of the one that started it", async () => {
    const place = newPlace();
    const { execution, stub } = await parentOf(place);
    const gate = Promise.withResolvers<void>();
    const create = ExecutionCoordinator.prototype.create;
    vi.spyOn(ExecutionCoordinator.prototype, "create").mockImplementation(async function (
      this: ExecutionCoordinator,
      record,
    ) {
      if (record.parent) await gate.promise;
      return create.call(this, record);
    });
    await stub.create(execution);
    const executionId = (await stub.read())?.steps[0]?.executionId ?? "";
    await stub.ask(cancelByForce);
    gate.resolve();
    const child = coordinatorOf(place, executionId);
    await expect.poll(async () => (await child.read())?.state).toBe("canceled");
  });
});
