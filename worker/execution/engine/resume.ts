import type { Draft } from "./draft.ts";
import { openSteps } from "./state.ts";

/** A pause is over: what waited for that has its turn. */
export function goOn(draft: Draft): void {
  for (const { path, wait } of openSteps(draft.state)) {
    if (wait?.for === "resume") draft.tasks.push({ do: "begin", step: path });
  }
}
