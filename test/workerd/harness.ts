/** A client for tests inside workerd: requests to the worker's own entry, people and keys made through its API. */
import { exports } from "cloudflare:workers";
import { z } from "zod";
import { SCOPES, type Scope } from "#protocol/actor.ts";
import { apiKeyCreatedSchema, meSchema } from "#protocol/api/keys.ts";

export const ORIGIN = "https://farhand.test";

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body, parsed where it is JSON. */
  json: unknown;
}

export interface RequestOptions {
  method?: string;
  /** An API key. */
  key?: string | undefined;
  cookie?: string | undefined;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  raw?: BodyInit;
}

export function request(path: string, options: RequestOptions = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (options.key !== undefined) headers.set("x-api-key", options.key);
  if (options.cookie !== undefined) headers.set("cookie", options.cookie);
  if (options.body !== undefined) headers.set("content-type", "application/json");
  const body = options.raw ?? (options.body === undefined ? null : JSON.stringify(options.body));
  return exports.default.fetch(
    new Request(ORIGIN + path, { method: options.method ?? "GET", headers, body, redirect: "manual" }),
  );
}

export async function call(path: string, options: RequestOptions = {}): Promise<Answer> {
  const response = await request(path, options);
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  };
}

/** The `data` of an answer, checked against the schema that the contract gives it. */
export function dataOf<T extends z.ZodType>(answer: Answer, schema: T): z.output<T> {
  if (answer.status >= 300) throw new Error(`expected data, got ${answer.status}: ${answer.text}`);
  return schema.parse(z.object({ data: z.unknown() }).parse(answer.json).data);
}

export interface Person {
  organizationId: string;
  userId: string;
  email: string;
  password: string;
  cookie: string;
  /** An API key with every scope. */
  key: string;
}

let people = 0;

/** Signs somebody up; each has an organization of their own. */
export async function signUp(name = "Ada"): Promise<Person> {
  const email = `person${++people}-${crypto.randomUUID()}@example.com`;
  const password = "correct horse battery";
  const answer = await call("/api/auth/sign-up/email", {
    method: "POST",
    body: { name, email, password },
    // Everybody signs up from an address of their own, so that no test runs into the limit of another.
    headers: { origin: ORIGIN, "cf-connecting-ip": `test-${email}` },
  });
  if (answer.status !== 200) throw new Error(`sign-up failed: ${answer.text}`);
  const cookie = sessionCookieOf(answer);
  const me = dataOf(await call("/api/v1/me", { cookie }), meSchema);
  const key = await makeKey({ cookie }, [...SCOPES]);
  return { organizationId: me.organization.id, userId: me.actor.id, email, password, cookie, key };
}

/** The `name=value` of the session cookie that an answer sets. */
export function sessionCookieOf(answer: Answer): string {
  const set = answer.headers.getSetCookie().find((cookie) => cookie.includes("farhand_session="));
  return set?.split(";")[0] ?? "";
}

/** Makes an API key with these scopes and returns the key itself. */
export async function makeKey(as: { cookie: string } | { key: string }, scopes: Scope[]): Promise<string> {
  const answer = await call("/api/v1/api-keys", {
    method: "POST",
    ...as,
    body: { name: "test", scopes },
    headers: { origin: ORIGIN },
  });
  return dataOf(answer, apiKeyCreatedSchema).key;
}
