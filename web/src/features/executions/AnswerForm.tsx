import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import type { Execution, Step } from "#protocol/api/executions.ts";
import { messageOf } from "../../api/errors.ts";
import { answerStep } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { Field } from "../../components/Field.tsx";
import { Input } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { signedApproval } from "../../signing/statements.ts";
import { type Answers, checkAnswers, initialAnswers } from "../run/answers.ts";
import { ParameterField } from "../run/ParameterField.tsx";
import { useBrowserKey } from "../signing/useBrowserKey.ts";
import type { Question, Verb } from "./answers.ts";
import { GivenAnswers } from "./GivenAnswers.tsx";

interface Props {
  execution: Execution;
  step: Step;
  question: Question;
  /** Absent where nobody may skip. */
  onSkip: (() => void) | undefined;
}

/** The form of a step that asks, and its buttons: yes, no, and passing over it. */
export function AnswerForm({ execution, step, question, onSkip }: Props) {
  const { form, noteRequired, yes, no } = question;
  const [note, setNote] = useState("");
  const { register, handleSubmit, setError, formState } = useForm<Answers>({
    defaultValues: initialAnswers(form),
  });
  const own = useBrowserKey();
  const answer = useMutation({
    mutationFn: async ({ verb, values }: { verb: Verb; values?: Record<string, unknown> }) =>
      answerStep(execution.id, step.id, verb, {
        ...(note.trim() && { note }),
        ...(verb === "approve" && { planDigest: execution.planDigest }),
        ...(verb === "approve" && own && { signature: await signedApproval(execution, step.id, own.key) }),
        ...(values && Object.keys(values).length > 0 && { values }),
      }),
  });
  const submit = handleSubmit((answers) => {
    const checked = checkAnswers(form, answers);
    if (checked.ok) return answer.mutate({ verb: yes.verb, values: checked.values });
    for (const [name, message] of Object.entries(checked.problems)) setError(name, { message });
  });
  // The step may go on asking, of others: then the same answer is not asked for again.
  const given = answer.isSuccess && (step.answers?.length ?? 0) > 0;
  const busy = answer.isPending || (answer.isSuccess && !given);
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      {form.map((parameter) => (
        <ParameterField
          key={parameter.name}
          parameter={parameter}
          registration={register(parameter.name)}
          error={formState.errors[parameter.name]?.message}
        />
      ))}
      <Field label="Note" optional={!noteRequired} hint={noteRequired ? "Kept as evidence." : undefined}>
        {(control) => <Input {...control} value={note} onChange={(event) => setNote(event.target.value)} />}
      </Field>
      {yes.verb === "approve" && (
        <p className="text-[0.8125rem] text-muted">
          Counts for exactly this plan:{" "}
          <code className="font-mono wrap-anywhere">{execution.planDigest.slice(0, 16)}…</code>
          {own && <>, signed with the key “{own.name}” of this browser</>}
        </p>
      )}
      <GivenAnswers answers={step.answers} />
      {answer.isError && (
        <Notice tone="bad" role="alert" title="It was not taken">
          {messageOf(answer.error)}
        </Notice>
      )}
      <div className="flex flex-wrap gap-2 max-md:sticky max-md:bottom-0 max-md:bg-surface max-md:py-1">
        <Button type="submit" variant="primary" busy={busy} className="max-sm:flex-1">
          {yes.verb === "approve" && own ? "Approve and sign" : yes.label}
        </Button>
        {no && (
          <Button disabled={busy} className="max-sm:flex-1" onClick={() => answer.mutate({ verb: no.verb })}>
            {no.label}
          </Button>
        )}
        {onSkip && (
          <Button variant="ghost" disabled={busy} onClick={onSkip}>
            Skip…
          </Button>
        )}
      </div>
    </form>
  );
}
