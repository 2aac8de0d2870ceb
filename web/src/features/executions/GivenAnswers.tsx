import { Check, X } from "lucide-react";
import type { Step } from "#protocol/api/executions.ts";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { actorName } from "./actor.ts";

const DONE = {
  acknowledge: "said that it is done",
  approve: "approved",
  reject: "rejected",
  confirm: "let it begin",
};

/** Who has answered a step, when, and with which note. */
export function GivenAnswers({ answers }: { answers: Step["answers"] }) {
  if (!answers?.length) return null;
  return (
    <ul aria-label="Answers" className="flex flex-col gap-1.5">
      {answers.map(({ actor, answer, at, note, signature }) => (
        <li key={`${at} ${answer} ${actorName(actor)}`} className="flex gap-2">
          {answer === "reject" ? (
            <X aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
          ) : (
            <Check aria-hidden className="mt-0.5 size-4 shrink-0 text-good" />
          )}
          <div className="min-w-0 wrap-anywhere">
            {actorName(actor)} {DONE[answer]}
            {signature !== undefined && " and signed"}{" "}
            <span className="text-muted">
              <RelativeTime time={at} />
            </span>
            {note && <p className="text-muted">“{note}”</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
