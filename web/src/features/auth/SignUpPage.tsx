import { PERSON_NAME_MAX } from "#protocol/limits.ts";
import { signUp } from "../../api/auth.ts";
import { paths } from "../../routes/paths.ts";
import { type AuthField, AuthForm } from "./AuthForm.tsx";

const PASSWORD_MIN = 8;

const fields: readonly AuthField[] = [
  {
    name: "name",
    label: "Name",
    type: "text",
    autoComplete: "name",
    problem(name) {
      if (name.trim() === "") return "Enter the name your team knows you by.";
      return name.length > PERSON_NAME_MAX ? `Use at most ${PERSON_NAME_MAX} characters.` : undefined;
    },
  },
  {
    name: "email",
    label: "Email",
    type: "email",
    autoComplete: "username",
    problem: (email) =>
      /^\S+@\S+$/.test(email) ? undefined : "Enter an email address, like ada@example.com.",
  },
  {
    name: "password",
    label: "Password",
    type: "password",
    autoComplete: "new-password",
    hint: `At least ${PASSWORD_MIN} characters.`,
    problem: (password) =>
      password.length < PASSWORD_MIN ? `Use ${PASSWORD_MIN} characters or more.` : undefined,
  },
];

export function SignUpPage() {
  return (
    <AuthForm
      title="Create your account"
      fields={fields}
      action="Create account"
      send={signUp}
      other={{ question: "Have one already?", label: "Log in", path: paths.logIn }}
    >
      <p className="text-xs text-muted">You get an organization of your own to go with it.</p>
    </AuthForm>
  );
}
