import { type FormEvent, type ReactNode, useId, useState } from "react";
import type { Execution, ExecutionRetry } from "#protocol/api/executions.ts";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { Field } from "../../components/Field.tsx";
import { Select } from "../../components/Input.tsx";
import { titleOf } from "./proseTitles.ts";
import { useRetry } from "./useRetry.ts";

interface Props {
  execution: Execution;
  open: boolean;
  onOpenChange(open: boolean): void;
}

/** Where a retry begins: at what failed, at a chosen step, or at the start. */
export function RetryDialog({ execution, open, onOpenChange }: Props) {
  const { blocks } = execution.plan;
  const failed = execution.steps.find(
    ({ id, state }) => state === "failed" && blocks.some((each) => each.id === id),
  );
  const id = useId();
  const [mode, setMode] = useState<ExecutionRetry["mode"]>("step");
  const [step, setStep] = useState(failed?.id ?? blocks[0]?.id ?? "");
  const retry = useRetry(execution.id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    retry.mutate(mode === "step" ? { mode, step } : { mode });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Retry"
      description="Starts a new execution of the same plan. Approvals are asked for again."
      actions={
        <Button type="submit" form={id} variant="primary" busy={retry.isPending}>
          Retry
        </Button>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <fieldset className="flex flex-col gap-1">
          <legend className="sr-only">Where it begins</legend>
          <Choice
            name={id}
            checked={mode === "failed"}
            onChoose={() => setMode("failed")}
            label="What failed"
          >
            Nothing runs again that succeeded and was not undone.
          </Choice>
          <Choice name={id} checked={mode === "step"} onChoose={() => setMode("step")} label="From a step">
            That step and all after it run; what earlier steps handed on is taken over.
          </Choice>
          <Choice name={id} checked={mode === "all"} onChoose={() => setMode("all")} label="Everything">
            From the beginning, with the same parameters.
          </Choice>
        </fieldset>
        {mode === "step" && (
          <Field label="First step">
            {(control) => (
              <Select {...control} value={step} onChange={(event) => setStep(event.target.value)}>
                {blocks.map((block) => (
                  <option key={block.id} value={block.id}>
                    {titleOf(block)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        )}
      </form>
    </Dialog>
  );
}

interface ChoiceProps {
  name: string;
  label: string;
  checked: boolean;
  onChoose(): void;
  children: ReactNode;
}

function Choice({ name, label, checked, onChoose, children }: ChoiceProps) {
  const id = useId();
  return (
    <label className="flex gap-2.5 py-1 pointer-coarse:py-2">
      <input
        type="radio"
        name={name}
        checked={checked}
        onChange={onChoose}
        aria-labelledby={`${id}-label`}
        aria-describedby={`${id}-hint`}
        className="mt-0.5 size-4 shrink-0 accent-accent pointer-coarse:size-5"
      />
      <span className="min-w-0">
        <span id={`${id}-label`} className="block font-medium">
          {label}
        </span>
        <span id={`${id}-hint`} className="block text-[0.8125rem] text-muted">
          {children}
        </span>
      </span>
    </label>
  );
}
