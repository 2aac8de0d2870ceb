import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { StepIcon } from "./StatusBadge.tsx";
import { type StepPicking, StepTree } from "./StepList.tsx";
import { stepLook } from "./states.ts";

/** The steps on a phone: one line that opens the list, so the output gets the screen. */
export function StepPicker({ steps, shown, away, choose }: StepPicking) {
  const [open, setOpen] = useState(false);
  const at = steps.findIndex((step) => step.id === shown);
  const step = steps[at];
  if (!step) return null;
  const pick = (id: string | undefined) => {
    setOpen(false);
    choose(id);
  };
  return (
    <div className="md:hidden">
      <button
        type="button"
        onClick={() => setOpen(true)}
        className="flex min-h-12 w-full items-center gap-2.5 border-b border-line bg-surface px-4 text-left focus-visible:-outline-offset-2"
      >
        <StepIcon state={step.state} />
        <span className="min-w-0 flex-1">
          <span className="block truncate font-medium">{step.title}</span>
          <span className="block truncate text-xs text-muted">
            Step {at + 1} of {steps.length} · {stepLook(step.state).label}
            {step.round !== undefined && ` · ${step.round}`}
          </span>
        </span>
        <ChevronDown className="size-4 shrink-0 text-muted" aria-hidden />
        <span className="sr-only">Choose a step</span>
      </button>
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title="Steps"
        actions={away && <Button onClick={() => pick(undefined)}>Follow the execution</Button>}
      >
        <div className="-mx-2.5">
          <StepTree steps={steps} shown={shown} choose={pick} />
        </div>
      </Dialog>
    </div>
  );
}
