import type { ReactNode } from "react";
import { type Field as BlockFieldOf, hintOf } from "#protocol/runbook/fieldTypes.ts";
import { Field } from "../../../components/Field.tsx";
import { sentence } from "../../../components/format.ts";
import { CheckField, Input, Select, TextArea } from "../../../components/Input.tsx";
import { DocText } from "../assist/DocText.tsx";
import type { Answer, Answers, Problems } from "./answers.ts";
import { type Control, controlOf } from "./controls.ts";

export interface FormState {
  answers: Answers;
  problems: Problems;
  /** The block is none of the source yet. */
  isNew: boolean;
  set(at: string, answer: Answer): void;
}

interface Props {
  field: BlockFieldOf;
  /** Its word, with that of the set around it. */
  at: string;
  state: FormState;
}

/** The control that fits a field's type, with its sentence from the table. A set shows each of its own. */
export function BlockField({ field, at, state }: Props) {
  const control = controlOf(field.type);
  if (control.is === "set")
    return <SetOfFields field={field} at={at} fields={control.fields} state={state} />;
  const answer = state.answers[at];
  if (!answer) return <LeftToSource field={field} isNew={state.isNew} />;
  if (control.is === "tick") {
    return (
      <div>
        <CheckField
          checked={answer.text === "true"}
          onChange={({ target }) => state.set(at, { text: target.checked ? "true" : "" })}
        >
          <Word word={field.word} />
        </CheckField>
        <p className="pl-6.5 text-[0.8125rem] text-muted wrap-anywhere">
          <DocText doc={sentence(field.doc)} />
        </p>
        {state.problems[at] && (
          <p role="alert" className="pl-6.5 text-[0.8125rem] text-bad">
            {state.problems[at]}
          </p>
        )}
      </div>
    );
  }
  const problem = state.problems[at];
  return (
    <Field
      label={<Word word={field.word} />}
      optional={!field.isRequired}
      hint={<Hint field={field} control={control} />}
      {...(problem !== undefined && { error: problem })}
    >
      {(ties) => (
        <TypedControl control={control} answer={answer} onChange={(next) => state.set(at, next)} {...ties} />
      )}
    </Field>
  );
}

function Word({ word }: { word: string }) {
  return <span className="font-mono text-[0.8125rem] font-medium">{word}</span>;
}

/** What it means, and how it is written where that is not plain to see. */
function Hint({ field: { doc, type }, control }: { field: BlockFieldOf; control: Control }): ReactNode {
  const how =
    control.is === "yaml" || type.is === "duration" || type.is === "size"
      ? ` Written as ${hintOf(type)}.`
      : control.is === "line" && control.list
        ? " Several with commas between."
        : "";
  return <DocText doc={`${sentence(doc)}${how}`} />;
}

const PLAIN = { autoComplete: "off", autoCapitalize: "none", spellCheck: false } as const;

type ControlProps = {
  control: Control;
  answer: Answer;
  onChange(answer: Answer): void;
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
};

function TypedControl({ control, answer, onChange, ...ties }: ControlProps): ReactNode {
  const value = answer.text;
  const change = (event: { target: { value: string } }) => onChange({ ...answer, text: event.target.value });
  const typed = { ...ties, value, onChange: change };
  switch (control.is) {
    case "line":
    case "question":
      return <Input {...typed} {...PLAIN} />;
    case "number":
      return <Input {...typed} {...PLAIN} inputMode="numeric" />;
    case "lines":
      return <TextArea {...typed} {...PLAIN} className="min-h-28 font-mono" />;
    case "yaml":
      return <TextArea {...typed} {...PLAIN} className="font-mono" />;
    case "choice":
      return (
        <Select {...typed}>
          <option value="">Not set</option>
          {control.options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </Select>
      );
    case "value":
      return (
        <div className="flex gap-2 max-sm:flex-col">
          <Select
            aria-label="Written as"
            className="sm:w-36"
            value={answer.isExpression ? "expression" : "text"}
            onChange={({ target }) => onChange({ text: value, isExpression: target.value === "expression" })}
          >
            <option value="text">Text</option>
            <option value="expression">Expression</option>
          </Select>
          <Input {...typed} {...PLAIN} />
        </div>
      );
    case "tick":
    case "set":
    case "source":
      return null;
    default:
      return control satisfies never;
  }
}

function SetOfFields({ field, at, fields, state }: Props & { fields: readonly BlockFieldOf[] }) {
  return (
    <fieldset className="flex flex-col gap-4 border-l-2 border-line pl-4">
      <legend className="sr-only">{field.word}</legend>
      <div>
        <p aria-hidden className="flex items-baseline justify-between gap-2">
          <Word word={field.word} />
          {!field.isRequired && <span className="text-xs text-faint">optional</span>}
        </p>
        <p className="text-[0.8125rem] text-muted">
          <DocText doc={sentence(field.doc)} />
        </p>
      </div>
      {fields.map((each) => (
        <BlockField key={each.word} field={each} at={`${at}.${each.word}`} state={state} />
      ))}
    </fieldset>
  );
}

function LeftToSource({ field, isNew }: { field: BlockFieldOf; isNew: boolean }) {
  const what =
    isNew && field.isRequired ? " An example is put in its place." : isNew ? "" : " It stays as it is.";
  return (
    <p className="text-[0.8125rem] text-muted">
      <Word word={field.word} />: <DocText doc={`${field.doc}. This is written in the source.${what}`} />
    </p>
  );
}
