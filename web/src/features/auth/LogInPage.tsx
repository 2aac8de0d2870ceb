import { useForm } from "react-hook-form";
import { Link, useLocation } from "react-router";
import { type Credentials, logIn } from "../../api/auth.ts";
import { Button } from "../../components/Button.tsx";
import { Field } from "../../components/Field.tsx";
import { Input } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { paths } from "../../routes/paths.ts";
import { AuthFrame } from "./AuthFrame.tsx";
import { useEnter } from "./useEnter.ts";

export function LogInPage() {
  const { search } = useLocation();
  const enter = useEnter();
  const { register, handleSubmit, formState, setError } = useForm<Credentials>();
  const { errors, isSubmitting } = formState;
  const submit = handleSubmit(async (credentials) => {
    const result = await logIn(credentials);
    if (result.ok) await enter();
    else setError("root", { message: result.message });
  });
  return (
    <AuthFrame
      title="Log in to Farhand"
      footer={
        <>
          New here?{" "}
          <Link
            to={`${paths.signUp}${search}`}
            className="font-medium text-link underline-offset-2 hover:underline"
          >
            Create an account
          </Link>
        </>
      }
    >
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        <Field label="Email" error={errors.email?.message}>
          {(control) => (
            <Input
              {...control}
              type="email"
              autoComplete="username"
              autoFocus
              {...register("email", { required: "Enter your email." })}
            />
          )}
        </Field>
        <Field label="Password" error={errors.password?.message}>
          {(control) => (
            <Input
              {...control}
              type="password"
              autoComplete="current-password"
              {...register("password", { required: "Enter your password." })}
            />
          )}
        </Field>
        {errors.root && (
          <Notice tone="bad" role="alert">
            {errors.root.message}
          </Notice>
        )}
        <Button type="submit" variant="primary" size="lg" busy={isSubmitting}>
          Log in
        </Button>
      </form>
    </AuthFrame>
  );
}
