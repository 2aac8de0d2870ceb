import { useMutation } from "@tanstack/react-query";
import { Hourglass } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { useForm } from "react-hook-form";
import type { Execution, Step } from "#protocol/api/executions.ts";
import { blockAt } from "#protocol/paths.ts";
import { messageOf } from "../../api/errors.ts";
import { answerStep } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { Field } from "../../components/Field.tsx";
import { formatTimestamp } from "../../components/format.ts";
import { Input } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { type Answers, checkAnswers, initialAnswers } from "../run/answers.ts";
import { ParameterField } from "../run/ParameterField.tsx";
import { Prose } from "../runbooks/Prose.tsx";
import { actorName } from "./actor.ts";
import { type Question, questionOf, type Verb, waitWords } from "./answers.ts";

/** What a step waits for and until when, and the way for a person to answer. */
export function StepWaiting({ execution, step }: { execution: Execution; step: Step }) {
  const block = blockAt(execution.plan, step.id);
  if (step.state !== "waiting" || !step.wait || !block) return null;
  const question = questionOf(block, step.wait);
  return (
    <section aria-label="Waiting" className="border-b border-line bg-surface px-4 py-4 sm:px-6">
      <div className="flex max-w-prose flex-col gap-3">
        <h2 className="flex items-center gap-2 font-medium">
          <Hourglass aria-hidden className="size-4 shrink-0 text-warn" />
          <span className="min-w-0 wrap-anywhere">{question?.title ?? waitWords(step.wait)}</span>
        </h2>
        <p className="text-[0.8125rem] text-muted">Until {formatTimestamp(step.wait.until)}</p>
        {question?.markdown && <Prose markdown={question.markdown} />}
        <Given step={step} />
        {question ? (
          <AnswerForm execution={execution} step={step} question={question} />
        ) : (
          <SkipForm execution={execution} step={step} />
        )}
      </div>
    </section>
  );
}

/** Who has answered already. */
function Given({ step }: { step: Step }) {
  if (!step.answers?.length) return null;
  return (
    <ul className="text-[0.8125rem] text-muted">
      {step.answers.map(({ actor, answer, at, note }) => (
        <li key={`${at} ${answer}`} className="wrap-anywhere">
          {actorName(actor)}: {answer}
          {note && `, “${note}”`}
        </li>
      ))}
    </ul>
  );
}

interface FormProps {
  execution: Execution;
  step: Step;
}

function AnswerForm({ execution, step, question }: FormProps & { question: Question }) {
  const { form, noteRequired, yes, no } = question;
  const [note, setNote] = useState("");
  const [skipping, setSkipping] = useState(false);
  const { register, handleSubmit, setError, formState } = useForm<Answers>({
    defaultValues: initialAnswers(form),
  });
  const answer = useMutation({
    mutationFn: ({ verb, values }: { verb: Verb; values?: Record<string, unknown> }) =>
      answerStep(execution.id, step.id, verb, {
        ...(note.trim() && { note }),
        ...(verb === "approve" && { planDigest: execution.planDigest }),
        ...(values && Object.keys(values).length > 0 && { values }),
      }),
  });
  const submit = handleSubmit((answers) => {
    const checked = checkAnswers(form, answers);
    if (checked.ok) return answer.mutate({ verb: yes.verb, values: checked.values });
    for (const [name, message] of Object.entries(checked.problems)) setError(name, { message });
  });
  if (skipping) return <SkipForm execution={execution} step={step} />;
  const busy = answer.isPending || answer.isSuccess;
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
        </p>
      )}
      {answer.isError && (
        <Notice tone="bad" role="alert" title="It was not taken">
          {messageOf(answer.error)}
        </Notice>
      )}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" busy={busy} className="max-sm:flex-1">
          {yes.label}
        </Button>
        {no && (
          <Button disabled={busy} onClick={() => answer.mutate({ verb: no.verb })}>
            {no.label}
          </Button>
        )}
        <Button variant="ghost" disabled={busy} onClick={() => setSkipping(true)}>
          Skip…
        </Button>
      </div>
    </form>
  );
}

/** Passing over a step needs a reason. */
function SkipForm({ execution, step }: FormProps) {
  const id = useId();
  const [reason, setReason] = useState("");
  const skip = useMutation({ mutationFn: () => answerStep(execution.id, step.id, "skip", { reason }) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reason.trim()) skip.mutate();
  };
  return (
    <form onSubmit={submit} aria-labelledby={id} className="flex flex-col gap-3">
      <Field label={<span id={id}>Why is it skipped?</span>}>
        {(control) => (
          <Input {...control} value={reason} onChange={(event) => setReason(event.target.value)} />
        )}
      </Field>
      {skip.isError && (
        <Notice tone="bad" role="alert" title="It was not skipped">
          {messageOf(skip.error)}
        </Notice>
      )}
      <div>
        <Button type="submit" busy={skip.isPending || skip.isSuccess} disabled={!reason.trim()}>
          Skip this step
        </Button>
      </div>
    </form>
  );
}
