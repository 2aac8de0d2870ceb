import { ChevronRight, CircleAlert } from "lucide-react";
import { type FormEvent, useId, useRef, useState } from "react";
import type { BlockKind } from "#protocol/blocks/index.ts";
import type { WrittenBlock } from "#protocol/runbook/blockSource.ts";
import { COMMON_FIELDS, fieldsOf, KIND_DOCS, KIND_FIELDS } from "#protocol/runbook/fields.ts";
import type { Field } from "#protocol/runbook/fieldTypes.ts";
import { Button } from "../../../components/Button.tsx";
import { ConfirmDialog } from "../../../components/ConfirmDialog.tsx";
import { Dialog } from "../../../components/Dialog.tsx";
import { Notice } from "../../../components/Notice.tsx";
import { type Answer, answersOf, type Problems } from "./answers.ts";
import { BlockField, type FormState } from "./BlockField.tsx";
import type { Slot } from "./blockAt.ts";
import { checkForm } from "./checkForm.ts";

/** A block to be written, or to be written anew. */
export interface FormRequest {
  kind: BlockKind;
  /** The page it belongs to. */
  source: string;
  slot: Slot;
  isNew: boolean;
  before: WrittenBlock;
  isYaml: boolean;
}

interface Props {
  request: FormRequest;
  onDone(text: string): void;
  onClose(): void;
  focusAfter(): void;
}

/** The form of a block, made from the fields of its kind. */
export function BlockDialog({ request, onDone, onClose, focusAfter }: Props) {
  const { kind, source, slot, isNew, before, isYaml } = request;
  const [first] = useState(() => answersOf(fieldsOf(kind), before));
  const [answers, setAnswers] = useState(first);
  const [isLeaving, setLeaving] = useState(false);
  const [problems, setProblems] = useState<Problems>({});
  const form = useRef<HTMLFormElement>(null);
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const checked = checkForm(source, slot, { kind, answers, before, isYaml });
    if (checked.ok) return onDone(checked.text);
    setProblems(checked.problems);
    // Once what is wrong is shown.
    requestAnimationFrame(() =>
      form.current?.querySelector<HTMLElement>("[aria-invalid], [role=alert]")?.focus(),
    );
  };
  const leave = () => (answers === first ? onClose() : setLeaving(true));
  const state: FormState = {
    answers,
    problems,
    isNew,
    set(at: string, answer: Answer) {
      setAnswers((all) => ({ ...all, [at]: answer }));
      setProblems(({ [at]: _, ...others }) => others);
    },
  };
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => {
        if (!open) leave();
      }}
      title={`${isNew ? "Insert" : "Edit"} ${kind}`}
      description={`${KIND_DOCS[kind]}.`}
      focusAfter={focusAfter}
      actions={
        <>
          <Button onClick={leave}>Cancel</Button>
          <Button type="submit" form={id} variant="primary">
            {isNew ? "Insert" : "Change"}
          </Button>
        </>
      }
    >
      <form ref={form} id={id} onSubmit={submit} noValidate className="flex flex-col gap-5">
        {problems[""] && (
          <Notice tone="bad" role="alert" icon={<CircleAlert aria-hidden />}>
            {problems[""]}
          </Notice>
        )}
        {partsOf(kind).map(({ title, fields }) => (
          <Part key={title} title={title} fields={fields} state={state} />
        ))}
      </form>
      <ConfirmDialog
        open={isLeaving}
        onOpenChange={setLeaving}
        title="Leave the form?"
        action="Leave"
        dismiss="Stay here"
        onConfirm={onClose}
      >
        <p>What you filled in is not in the source yet, and would be lost.</p>
      </ConfirmDialog>
    </Dialog>
  );
}

interface FormPart {
  /** Of what is folded away at first. */
  title: string;
  fields: readonly Field[];
}

/** What is needed, what the kind has of its own, and what every block has, in the order of the table. */
function partsOf(kind: BlockKind): FormPart[] {
  const own: readonly Field[] = KIND_FIELDS[kind];
  return [
    { title: "", fields: own.filter(({ isRequired }) => isRequired) },
    { title: `More of ${kind}`, fields: own.filter(({ isRequired }) => !isRequired) },
    { title: "What every block has", fields: COMMON_FIELDS },
  ].filter(({ fields }) => fields.length > 0);
}

function Part({ title, fields, state }: FormPart & { state: FormState }) {
  const isOf = (at: string) => fields.some(({ word }) => at === word || at.startsWith(`${word}.`));
  const hasProblem = Object.keys(state.problems).some(isOf);
  const isFilled = Object.entries(state.answers).some(([at, { text }]) => isOf(at) && text !== "");
  const [isOpen, setOpen] = useState(isFilled);
  const controls = fields.map((field) => (
    <BlockField key={field.word} field={field} at={field.word} state={state} />
  ));
  if (title === "") return controls;
  return (
    <details
      open={isOpen || hasProblem}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
      className="group border-t border-line pt-1"
    >
      <summary className="flex min-h-9 items-center gap-2 font-medium pointer-coarse:min-h-11">
        <ChevronRight className="size-4 shrink-0 text-muted group-open:rotate-90" aria-hidden />
        <span className="shrink-0">{title}</span>
        <span className="min-w-0 truncate font-mono text-xs font-normal text-muted">
          {fields.map(({ word }) => word).join(", ")}
        </span>
      </summary>
      <div className="flex flex-col gap-5 pt-2 pb-1">{controls}</div>
    </details>
  );
}
