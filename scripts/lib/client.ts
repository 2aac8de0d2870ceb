/** A small client of Farhand's own API, for the commands and the tests. */
import { z } from "zod";
import { metadataSchema } from "#protocol/api/envelope.ts";
import { problemSchema } from "#protocol/errors.ts";
import { Problem } from "./problem.ts";
import { type ServerSentEvent, serverSentEvents } from "./serverSentEvents.ts";

const answerSchema = z.object({ data: z.unknown(), metadata: metadataSchema });

export type Credentials = { cookie: string } | { apiKey: string } | undefined;

export interface Call {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export class Client {
  readonly url: string;
  readonly #credentials: Credentials;
  readonly #origin: string;

  /** @param origin under which the server is published, where it is reached at another address */
  constructor(url: string, credentials?: Credentials, origin = url) {
    this.url = url;
    this.#credentials = credentials;
    this.#origin = origin;
  }

  with(credentials: Credentials): Client {
    return new Client(this.url, credentials, this.#origin);
  }

  /** The response as it came, whatever its status. `path` begins with a slash. */
  raw(method: string, path: string, call: Call = {}): Promise<Response> {
    return fetch(this.url + path, {
      method,
      headers: {
        ...this.#credentialHeaders(),
        ...(call.body !== undefined && { "content-type": "application/json" }),
        ...call.headers,
      },
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
      signal: call.signal,
    });
  }

  /**
   * `data` of an answer below `/api/v1`, checked against its schema.
   * @throws Problem with what the server said when it refuses
   */
  async call<T extends z.ZodType>(
    schema: T,
    method: string,
    path: string,
    call: Call = {},
  ): Promise<z.output<T>> {
    const response = await this.raw(method, `/api/v1${path}`, call);
    const text = await response.text();
    if (!response.ok) throw new Problem(refusal(method, path, response.status, text));
    return schema.parse(answerSchema.parse(JSON.parse(text)).data);
  }

  /** Server-sent events to the end of the stream. @throws Problem when the server refuses */
  async *events(method: string, path: string, call: Call = {}): AsyncGenerator<ServerSentEvent> {
    const headers = { accept: "text/event-stream", ...call.headers };
    const response = await this.raw(method, `/api/v1${path}`, { ...call, headers });
    if (!response.ok || !response.body) {
      throw new Problem(refusal(method, path, response.status, await response.text()));
    }
    yield* serverSentEvents(response.body);
  }

  #credentialHeaders(): Record<string, string> {
    const credentials = this.#credentials;
    if (!credentials) return { origin: this.#origin };
    if ("apiKey" in credentials) return { "x-api-key": credentials.apiKey };
    return { cookie: credentials.cookie, origin: this.#origin };
  }
}

/** Signs a person up or in; the answer is the session's cookie, or undefined when it was refused. */
export async function openSession(
  client: Client,
  how: "sign-up" | "sign-in",
  person: { email: string; password: string; name?: string },
): Promise<string | undefined> {
  const response = await client.raw("POST", `/api/auth/${how}/email`, { body: person });
  await response.body?.cancel();
  const cookie = response.headers.getSetCookie().map((each) => each.split(";")[0] ?? "");
  return response.ok && cookie.length > 0 ? cookie.join("; ") : undefined;
}

function refusal(method: string, path: string, status: number, text: string): string {
  try {
    const problem = problemSchema.parse(JSON.parse(text));
    const issues = problem.issues?.map((issue) => `\n  ${issue.line ?? issue.path}: ${issue.message}`) ?? [];
    return `${method} ${path}: ${problem.detail}${issues.join("")}`;
  } catch {
    return `${method} ${path} was answered with ${status}`;
  }
}
