/** Sign-up, log-in and log-out, through better-auth's own client. Results are plain: ok, or a sentence. */
import { createAuthClient } from "better-auth/react";

const client = createAuthClient({ basePath: "/api/auth" });

export type AuthResult = { ok: true } | { ok: false; message: string };

export interface Credentials {
  email: string;
  password: string;
}

export async function logIn(credentials: Credentials): Promise<AuthResult> {
  return attempt(() => client.signIn.email({ ...credentials, rememberMe: true }));
}

/** The server makes an organization for the new person. */
export async function signUp(person: Credentials & { name: string }): Promise<AuthResult> {
  return attempt(() => client.signUp.email(person));
}

export async function logOut(): Promise<AuthResult> {
  return attempt(() => client.signOut());
}

interface Reply {
  error: { status: number; code?: string; message?: string } | null;
}

async function attempt(call: () => Promise<Reply>): Promise<AuthResult> {
  let error: Reply["error"];
  try {
    ({ error } = await call());
  } catch {
    return { ok: false, message: "Farhand could not be reached. Check the connection and try again." };
  }
  return error ? { ok: false, message: sentence(error) } : { ok: true };
}

function sentence({ status, code, message }: NonNullable<Reply["error"]>): string {
  if (status === 429) return "Too many attempts. Wait a minute and try again.";
  switch (code) {
    case "INVALID_EMAIL_OR_PASSWORD":
      return "That email and password do not go together.";
    case "USER_ALREADY_EXISTS":
    case "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL":
      return "There is an account with this email already. Log in instead.";
    case "PASSWORD_TOO_SHORT":
      return "The password is too short: use 8 characters or more.";
    case "PASSWORD_TOO_LONG":
      return "The password is too long: use at most 128 characters.";
    case "INVALID_EMAIL":
      return "That does not look like an email address.";
  }
  if (status >= 500 || !message) return "That did not work, and it is our fault. Try again in a moment.";
  return message;
}
