/** People who do what comes to their mind, at any time. */
import type { EngineInput, Person } from "../../worker/execution/engine/inputs.ts";
import type { EngineState } from "../../worker/execution/engine/state.ts";
import type { Random } from "./random.ts";

const NAMES = ["ada", "grace", "edsger"] as const;
export const REQUESTER = { type: "user", id: "ada", name: "Ada" } as const;
const ANSWERS = ["acknowledge", "approve", "reject", "confirm"] as const;
const FITTING = {
  acknowledgement: "acknowledge",
  approval: "approve",
  confirmation: "confirm",
} as const;

function person(id: string): Person {
  return { actor: { type: "user", id, name: id }, names: [id], roles: [] };
}

/** Something to ask of the execution, sensible or not. */
export function whim(state: EngineState, random: Random): EngineInput {
  const { actor } = person(random.pick(NAMES));
  const paths = [...state.steps.values()].map(({ path }) => path);
  // Where it gets tight, all at once: what undoes and cleans up, what waits for its locks, and a pause.
  const tight = state.phase || state.paused || (state.locks && state.locks.status !== "granted") ? 3 : 1;
  const kind = random.weighted({
    ...{ answer: 24, skip: 2, pause: 3 * tight, resume: 6 },
    ...{ cancel: 0.7 * tight, force: 0.3 },
  });
  switch (kind) {
    case "answer":
      return (random.chance(0.95) && answers(state, random)[0]) || nonsense(paths, random);
    case "skip":
      return {
        type: "skip",
        step: paths.length > 0 ? random.pick(paths) : "none",
        actor,
        reason: "not today",
      };
    case "pause":
      return { type: "pause", actor, reason: "wait a moment" };
    case "resume":
      return { type: "resume", actor };
    case "cancel":
    case "force":
      return { type: "cancel", actor, reason: "stop", force: kind === "force" };
    default:
      return kind satisfies never;
  }
}

/** What a helpful person answers to everything that waits for one. */
export function answers(state: EngineState, random: Random): EngineInput[] {
  const inputs: EngineInput[] = [];
  for (const { path, wait, answers: given = [] } of state.steps.values()) {
    if (wait?.for !== "acknowledgement" && wait?.for !== "approval" && wait?.for !== "confirmation") continue;
    const free = NAMES.filter((name) => !given.some(({ actor }) => "id" in actor && actor.id === name));
    const who = person(free.length > 0 ? random.pick(free) : "grace");
    const answer = random.chance(0.1) && wait.for !== "acknowledgement" ? "reject" : FITTING[wait.for];
    inputs.push({ type: "answer", step: path, answer, person: who, planDigest: "digest" });
  }
  return inputs;
}

function nonsense(paths: readonly string[], random: Random): EngineInput {
  const step = paths.length > 0 ? random.pick(paths) : "none";
  const planDigest = random.chance(0.7) ? "digest" : "another";
  return {
    ...{ type: "answer", step, answer: random.pick(ANSWERS), planDigest },
    person: person(random.pick(NAMES)),
  };
}
