import { logIn } from "../../api/auth.ts";
import { paths } from "../../routes/paths.ts";
import { type AuthField, AuthForm } from "./AuthForm.tsx";

const fields: readonly AuthField[] = [
  {
    name: "email",
    label: "Email",
    type: "email",
    autoComplete: "username",
    problem: (email) => (email === "" ? "Enter your email." : undefined),
  },
  {
    name: "password",
    label: "Password",
    type: "password",
    autoComplete: "current-password",
    problem: (password) => (password === "" ? "Enter your password." : undefined),
  },
];

export function LogInPage() {
  return (
    <AuthForm
      title="Log in to Farhand"
      fields={fields}
      action="Log in"
      send={logIn}
      other={{ question: "New here?", label: "Create an account", path: paths.signUp }}
    />
  );
}
