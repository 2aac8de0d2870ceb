import { MessageCircleQuestion } from "lucide-react";
import type { PlannedQuestion, PlannedStep } from "#protocol/api/previews.ts";
import { firstWords } from "../runbooks/plainText.ts";

interface Props {
  questions: readonly PlannedQuestion[];
  steps: readonly PlannedStep[];
}

/** Whom it will wait for, and with which question. */
export function PlannedQuestions({ questions, steps }: Props) {
  return (
    <ul className="flex flex-col gap-2">
      {questions.map((question) => (
        <li key={`${question.step} ${question.for}`} className="flex gap-2">
          <MessageCircleQuestion aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
          <div className="min-w-0 wrap-anywhere">
            <span className="font-medium">
              {steps.find(({ id }) => id === question.step)?.title ?? question.step}
            </span>
            : {words(question)}
            {question.question && <p className="text-muted">“{firstWords(question.question)}”</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}

function words({ for: what, required = 1, people = [], roles = [] }: PlannedQuestion): string {
  const from = [...people, ...roles.map((role) => `role ${role}`)];
  const who = from.length > 0 ? ` from ${from.join(", ")}` : "";
  switch (what) {
    case "approval":
      return `${required === 1 ? "one approval" : `${required} approvals`}${who}`;
    case "confirmation":
      return `a go before it begins${who}`;
    case "acknowledgement":
      return `somebody says that it is done${who}`;
    default:
      return what satisfies never;
  }
}
