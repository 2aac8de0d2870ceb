/** An execution that runs on a scripted agent, and what tests of it ask and do. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { vi } from "vitest";
import type { Execution } from "#protocol/api/executions.ts";
import type { Block } from "#protocol/blocks/index.ts";
import type { CreateExecution } from "../../worker/execution/contract.ts";
import {
  Attempt,
  acceptOffer,
  command,
  connectAgent,
  coordinatorOf,
  type Line,
  newExecution,
  newPlace,
  openData,
  type Place,
} from "./scriptedAgent.ts";

/** Moves the clock and lets the alarm ring, as the platform would. */
export async function later(scene: Scene, ms: number): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  await runDurableObjectAlarm(coordinatorOf(scene.place, scene.execution.executionId));
}

export interface Scene {
  place: Place;
  execution: CreateExecution;
  control: Line;
  data: Line;
  attempt: Attempt;
  lease: { id: string; executionId: string; fence: number };
}

/** An execution whose first step runs on a scripted agent. */
export async function running(blocks: Block[] = [command("a")], afterwards?: Block[]): Promise<Scene> {
  const place = newPlace();
  const control = await connectAgent(place);
  const execution = await newExecution(place, blocks, afterwards);
  await coordinatorOf(place, execution.executionId).create(execution);
  const { lease, firstStep } = await acceptOffer(control);
  const data = await openData(place, execution.executionId);
  const attempt = new Attempt(firstStep.step, lease.fence);
  data.send(attempt.hello(lease));
  await data.next("welcome");
  data.send(attempt.started());
  return { place, execution, control, data, attempt, lease };
}

export async function read({ place, execution }: Pick<Scene, "place" | "execution">): Promise<Execution> {
  const found = await coordinatorOf(place, execution.executionId).read();
  if (!found) throw new Error("no such execution");
  return found;
}
