/** Sign-up, log-in and log-out, through better-auth's own client. Results are plain: ok, or a sentence. */
import { createAuthClient } from "better-auth/react";
import { problemSchema } from "#protocol/errors.ts";

const client = createAuthClient({ basePath: "/api/auth" });

export type AuthResult = { ok: true } | { ok: false; message: string };

interface Credentials {
  email: string;
  password: string;
}

export interface NewPerson extends Credentials {
  name: string;
}

export async function logIn(credentials: Credentials): Promise<AuthResult> {
  return attempt(() => client.signIn.email({ ...credentials, rememberMe: true }));
}

/** The server makes an organization for the new person. */
export async function signUp(person: NewPerson): Promise<AuthResult> {
  return attempt(() => client.signUp.email(person));
}

export async function logOut(): Promise<AuthResult> {
  return attempt(() => client.signOut());
}

/** better-auth's client puts the fields of a refused answer beside its status: here a problem's. */
const refusalSchema = problemSchema.pick({ code: true, detail: true });

interface Reply {
  error: { status: number } | null;
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

function sentence(error: NonNullable<Reply["error"]>): string {
  const refusal = refusalSchema.safeParse(error).data;
  switch (refusal?.code) {
    case undefined:
    case "internal":
    case "unavailable":
      return "That did not work, and it is our fault. Try again in a moment.";
    case "unauthenticated":
      return "That email and password do not go together.";
    case "conflict":
      return "There is an account with this email already. Log in instead.";
    case "rate_limited":
      return "Too many attempts. Wait a minute and try again.";
    default:
      return `${refusal?.detail.replace(/\.$/, "")}.`;
  }
}
