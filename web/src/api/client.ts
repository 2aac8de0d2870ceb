/** The one door to the API: adds the envelope, parses every answer, turns failures into errors. */
import type { z } from "zod";
import { envelope, type Metadata } from "#protocol/api/envelope.ts";
import { errorOf, UnreachableError } from "./errors.ts";
import { sessionExpired } from "./session.ts";

const BASE = "/api/v1";

export interface RequestOptions {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Answer<T> {
  data: T;
  metadata: Metadata;
  /** For `If-Match` on the next update. */
  etag: string | undefined;
}

/** Path segments of the API, each escaped. */
export function apiPath(...segments: (string | number)[]): string {
  return `${BASE}/${segments.map((segment) => encodeURIComponent(segment)).join("/")}`;
}

/** @throws ApiError, UnreachableError; the abort error when aborted. */
export async function request<T extends z.ZodType>(
  path: string,
  data: T,
  options: RequestOptions = {},
): Promise<Answer<z.output<T>>> {
  const response = await send(path, options);
  const parsed = envelope(data).safeParse(await response.json().catch(() => undefined));
  if (!parsed.success) {
    throw new UnreachableError(
      "The answer was not one of Farhand's. This page may be out of date: reload it.",
    );
  }
  const { data: value, metadata } = parsed.data as { data: z.output<T>; metadata: Metadata };
  return { data: value, metadata, etag: response.headers.get("ETag") ?? undefined };
}

/** For operations that answer with nothing to read. @throws ApiError, UnreachableError */
export async function command(path: string, options: RequestOptions): Promise<void> {
  await send(path, options);
}

/** @throws ApiError, UnreachableError; the abort error when aborted. */
export async function requestBytes(path: string, signal: AbortSignal): Promise<Uint8Array> {
  const response = await send(path, { signal });
  return new Uint8Array(await response.arrayBuffer());
}

async function send(
  path: string,
  { method = "GET", body, headers, signal }: RequestOptions,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal,
      credentials: "same-origin",
      headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new UnreachableError(
      navigator.onLine
        ? "Farhand could not be reached. Check the connection and try again."
        : "You are offline. This works again as soon as the connection is back.",
    );
  }
  if (response.ok) return response;
  if (response.status === 401) sessionExpired();
  throw await errorOf(response);
}
