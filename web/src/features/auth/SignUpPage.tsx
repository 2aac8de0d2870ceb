import { useForm } from "react-hook-form";
import { Link, useLocation } from "react-router";
import { type Credentials, signUp } from "../../api/auth.ts";
import { Button } from "../../components/Button.tsx";
import { Field } from "../../components/Field.tsx";
import { Input } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { paths } from "../../routes/paths.ts";
import { AuthFrame } from "./AuthFrame.tsx";
import { useEnter } from "./useEnter.ts";

const PASSWORD_MIN = 8;

export function SignUpPage() {
  const { search } = useLocation();
  const enter = useEnter();
  const { register, handleSubmit, formState, setError } = useForm<Credentials & { name: string }>();
  const { errors, isSubmitting } = formState;
  const submit = handleSubmit(async (person) => {
    const result = await signUp(person);
    if (result.ok) await enter();
    else setError("root", { message: result.message });
  });
  return (
    <AuthFrame
      title="Create your account"
      footer={
        <>
          Have one already?{" "}
          <Link
            to={`${paths.logIn}${search}`}
            className="font-medium text-link underline-offset-2 hover:underline"
          >
            Log in
          </Link>
        </>
      }
    >
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        <Field label="Name" error={errors.name?.message}>
          {(control) => (
            <Input
              {...control}
              autoComplete="name"
              autoFocus
              {...register("name", {
                validate: (name) => name.trim() !== "" || "Enter the name your team knows you by.",
              })}
            />
          )}
        </Field>
        <Field label="Email" error={errors.email?.message}>
          {(control) => (
            <Input
              {...control}
              type="email"
              autoComplete="username"
              {...register("email", {
                validate: (email) =>
                  /^\S+@\S+$/.test(email) || "Enter an email address, like ada@example.com.",
              })}
            />
          )}
        </Field>
        <Field
          label="Password"
          hint={`At least ${PASSWORD_MIN} characters.`}
          error={errors.password?.message}
        >
          {(control) => (
            <Input
              {...control}
              type="password"
              autoComplete="new-password"
              {...register("password", {
                validate: (password) =>
                  password.length >= PASSWORD_MIN || `Use ${PASSWORD_MIN} characters or more.`,
              })}
            />
          )}
        </Field>
        {errors.root && (
          <Notice tone="bad" role="alert">
            {errors.root.message}
          </Notice>
        )}
        <Button type="submit" variant="primary" size="lg" busy={isSubmitting}>
          Create account
        </Button>
        <p className="text-xs text-muted">You get an organization of your own to go with it.</p>
      </form>
    </AuthFrame>
  );
}
