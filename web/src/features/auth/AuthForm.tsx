import type { HTMLInputAutoCompleteAttribute, ReactNode } from "react";
import { useForm } from "react-hook-form";
import { Link, useLocation } from "react-router";
import type { AuthResult, NewPerson } from "../../api/auth.ts";
import { Button } from "../../components/Button.tsx";
import { Field } from "../../components/Field.tsx";
import { Input } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { AuthFrame } from "./AuthFrame.tsx";
import { useEnter } from "./useEnter.ts";

export interface AuthField {
  name: keyof NewPerson;
  label: string;
  type: "text" | "email" | "password";
  autoComplete: HTMLInputAutoCompleteAttribute;
  hint?: string;
  /** What to write, when the value will not do. */
  problem(value: string): string | undefined;
}

interface Props {
  title: string;
  fields: readonly AuthField[];
  /** The label of the button. */
  action: string;
  send(person: NewPerson): Promise<AuthResult>;
  /** The way to the other form. */
  other: { question: string; label: string; path: string };
  children?: ReactNode;
}

/** A form that ends with somebody logged in. Only the fields it shows are filled in. */
export function AuthForm({ title, fields, action, send, other, children }: Props) {
  const { search } = useLocation();
  const enter = useEnter();
  const { register, handleSubmit, formState, setError } = useForm<NewPerson>();
  const { errors, isSubmitting } = formState;
  const submit = handleSubmit(async (person) => {
    const result = await send(person);
    if (result.ok) await enter();
    else setError("root", { message: result.message });
  });
  const otherWay = (
    <>
      {other.question}{" "}
      <Link
        to={`${other.path}${search}`}
        className="font-medium text-link underline-offset-2 hover:underline"
      >
        {other.label}
      </Link>
    </>
  );
  return (
    <AuthFrame title={title} footer={otherWay}>
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        {fields.map(({ name, label, hint, problem, ...input }, index) => (
          <Field key={name} label={label} hint={hint} error={errors[name]?.message}>
            {(control) => (
              <Input
                {...control}
                {...input}
                autoFocus={index === 0}
                {...register(name, { validate: (value) => problem(value) ?? true })}
              />
            )}
          </Field>
        ))}
        {errors.root && (
          <Notice tone="bad" role="alert">
            {errors.root.message}
          </Notice>
        )}
        <Button type="submit" variant="primary" size="lg" busy={isSubmitting}>
          {action}
        </Button>
        {children}
      </form>
    </AuthFrame>
  );
}
