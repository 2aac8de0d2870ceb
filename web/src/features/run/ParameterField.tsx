import type { ReactNode } from "react";
import type { UseFormRegisterReturn } from "react-hook-form";
import type { Parameter } from "#protocol/runbook/parameters.ts";
import { Field } from "../../components/Field.tsx";
import { sentence } from "../../components/format.ts";
import { CheckField, Input, Select } from "../../components/Input.tsx";
import { range } from "../runbooks/DocumentFacts.tsx";
import { isRequired } from "./answers.ts";

interface Props {
  parameter: Parameter;
  registration: UseFormRegisterReturn;
  error: string | undefined;
}

/** The control that fits a parameter's type, with its limits said beforehand. */
export function ParameterField({ parameter, registration, error }: Props) {
  const { name, description } = parameter;
  if (parameter.type === "boolean") {
    return (
      <div>
        <CheckField {...registration}>
          <span className="font-mono text-[0.8125rem] font-medium">{name}</span>
        </CheckField>
        {description && <p className="pl-6.5 text-[0.8125rem] text-muted wrap-anywhere">{description}</p>}
      </div>
    );
  }
  return (
    <Field
      label={<span className="font-mono text-[0.8125rem]">{name}</span>}
      optional={parameter.required === false}
      hint={hintOf(parameter)}
      error={error}
    >
      {(control) => {
        switch (parameter.type) {
          case "choice":
            return (
              <Select {...control} {...registration}>
                {parameter.default === undefined && (
                  <option value="">{isRequired(parameter) ? "Choose…" : "None"}</option>
                )}
                {parameter.options.map((option) => (
                  <option key={option}>{option}</option>
                ))}
              </Select>
            );
          case "number":
            return <Input {...control} {...registration} inputMode="decimal" autoComplete="off" />;
          case "string":
            return (
              <Input
                {...control}
                {...registration}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
              />
            );
          default:
            return parameter satisfies never;
        }
      }}
    </Field>
  );
}

function hintOf(parameter: Parameter): ReactNode {
  const { description } = parameter;
  if (parameter.type === "string" && parameter.pattern) {
    return (
      <>
        {description} Has to match <code className="font-mono">{parameter.pattern}</code>
      </>
    );
  }
  const limits = parameter.type === "number" ? range(parameter.min, parameter.max) : [];
  const limit = limits.map(sentence);
  return [description, ...limit].filter(Boolean).join(" ");
}
