/** What people ask of an execution, once `people.ts` has found it possible. */
import { WAIT_MAX_MS } from "#protocol/limits.ts";
import { ROOT } from "#protocol/paths.ts";
import type { Draft } from "./draft.ts";
import { end } from "./ending.ts";
import type { EngineInput } from "./inputs.ts";
import { refusalOf } from "./people.ts";
import { goOn } from "./resume.ts";
import { fail, finish } from "./steps.ts";
import { abandonAll, stopAll } from "./stop.ts";

type Asked = Extract<EngineInput, { type: "cancel" | "pause" | "resume" | "skip" | "answer" }>;
type Input<Type extends Asked["type"]> = Extract<Asked, { type: Type }>;

export function asked(draft: Draft, input: Asked): void {
  if (refusalOf(draft.state, input)) return;
  switch (input.type) {
    case "cancel":
      return cancel(draft, input);
    case "pause": {
      const { actor, reason } = input;
      return draft.emit({ type: "execution.paused", actor, reason, until: draft.moment.now + WAIT_MAX_MS });
    }
    case "resume":
      draft.emit({ type: "execution.resumed", actor: input.actor });
      return goOn(draft);
    case "skip":
      return skipByHand(draft, input);
    case "answer":
      return answer(draft, input);
    default:
      input satisfies never;
  }
}

/** A second cancel only counts when it is by force. */
function cancel(draft: Draft, { actor, reason, force }: Input<"cancel">): void {
  const { cancel: known, phase } = draft.state;
  if (known && (known.force || !force)) return;
  draft.emit({ type: "cancel.requested", actor, reason, force: force || undefined });
  if (force) {
    abandonAll(draft, "given up by force");
    return end(draft, { state: "canceled", detail: reason || undefined });
  }
  // What undoes and cleans up is brought to its end, unless by force.
  if (phase) return goOn(draft);
  stopAll(draft, ROOT, "canceled");
  draft.tasks.push({ do: "continue", step: ROOT });
}

function skipByHand(draft: Draft, { step: path, actor, reason }: Input<"skip">): void {
  draft.emit({ type: "step.skipped", step: path, reason, actor });
  draft.tasks.push({ do: "ended", step: path });
}

function answer(
  draft: Draft,
  { step: path, answer, person, planDigest, note, values, signature }: Input<"answer">,
): void {
  const step = draft.step(path);
  if (!step) return;
  const { actor } = person;
  draft.emit({ type: "step.answered", step: path, answer, actor, planDigest, note, values, signature });
  const who = "name" in actor ? actor.name : actor.type;
  switch (answer) {
    case "acknowledge":
      return finish(draft, path, { state: "succeeded" });
    case "reject":
      return fail(draft, path, `rejected by ${who}${note ? `: ${note}` : ""}`.slice(0, 2_000));
    case "confirm":
      draft.tasks.push({ do: "begin", step: path });
      return;
    case "approve": {
      const required = (step.block.kind === "approval" && step.block.required) || 1;
      const given = draft.step(path)?.answers?.filter((each) => each.answer === "approve").length ?? 0;
      return given >= required ? finish(draft, path, { state: "succeeded" }) : undefined;
    }
    default:
      answer satisfies never;
  }
}
