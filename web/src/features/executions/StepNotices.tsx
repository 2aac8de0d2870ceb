import type { Step } from "#protocol/api/executions.ts";
import { Coded } from "../../components/Coded.tsx";
import { formatBytes } from "../../components/format.ts";
import { Notice } from "../../components/Notice.tsx";
import { GivenAnswers } from "./GivenAnswers.tsx";
import { stepWords } from "./words.ts";

/** How a step ended. `told`: the banner of the execution says so already. */
export function StepNotices({ step, told }: { step: Step; told: boolean }) {
  const words = told ? undefined : stepWords(step);
  const { cutBytes } = step.output;
  const answers = step.state === "waiting" ? undefined : step.answers;
  if (!words && cutBytes === 0 && !answers?.length) return null;
  return (
    <div className="flex flex-col gap-2 border-b border-line bg-surface px-4 py-2">
      {words && (
        <Notice tone={words.tone} title={words.title}>
          {words.detail && <Coded text={words.detail} />}
        </Notice>
      )}
      {cutBytes > 0 && (
        <Notice tone="warn" title={`${formatBytes(cutBytes)} of output are not here`}>
          The step wrote more than its limit keeps. It went on undisturbed; raise <code>output=</code> on the
          block to keep more.
        </Notice>
      )}
      <GivenAnswers answers={answers} />
    </div>
  );
}
