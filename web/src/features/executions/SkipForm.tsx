import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Execution, Step } from "#protocol/api/executions.ts";
import { messageOf } from "../../api/errors.ts";
import { answerStep } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { Field } from "../../components/Field.tsx";
import { Input } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";

interface Props {
  execution: Execution;
  step: Step;
  onBack(): void;
}

/** Passing over a step needs a reason. */
export function SkipForm({ execution, step, onBack }: Props) {
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  const skip = useMutation({ mutationFn: () => answerStep(execution.id, step.id, "skip", { reason }) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setMissing(!reason.trim());
    if (reason.trim()) skip.mutate();
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-3">
      <Field
        label="Why is it skipped?"
        hint="The step does not run, and the execution goes on after it. Your reason is kept."
        error={missing ? "Say why, so that others can follow." : undefined}
      >
        {(control) => (
          <Input
            {...control}
            autoFocus
            maxLength={500}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </Field>
      {skip.isError && (
        <Notice tone="bad" role="alert" title="It was not skipped">
          {messageOf(skip.error)}
        </Notice>
      )}
      <div className="flex gap-2">
        <Button type="submit" busy={skip.isPending || skip.isSuccess}>
          Skip this step
        </Button>
        <Button variant="ghost" onClick={onBack}>
          Back
        </Button>
      </div>
    </form>
  );
}
