/** What request an `api` block comes to. Pure: whoever sends it, an agent or the control plane. */
import type { z } from "zod";
import type { apiFieldsSchema, SentValue } from "../blocks/api.ts";
import type { StepInputs } from "../data.ts";

export type ApiFields = z.infer<typeof apiFieldsSchema>;

/** The name in lower case, and the value. */
export type Header = readonly [name: string, value: string];

export interface HttpRequest {
  method: ApiFields["method"];
  /** Absolute, without a fragment. */
  url: string;
  headers: readonly Header[];
  body?: Uint8Array;
}

export type Resolution = { ok: true; request: HttpRequest } | { ok: false; detail: string };

/** Headers that belong to the connection: whoever sends the request writes them. */
const CONNECTION_HEADERS = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

class Unusable extends Error {}

/**
 * The request of one attempt: what the block says, with the attempt's inputs
 * where the block has expressions, and secrets where it names them.
 * @returns `ok: false` with words for people when no request can be made of it
 */
export function resolveRequest(block: ApiFields, inputs: StepInputs): Resolution {
  try {
    const body = bodyOf(block, inputs);
    const request = {
      method: block.method,
      url: urlOf(block, inputs),
      headers: headersOf(block, inputs),
      ...(body !== undefined && { body: new TextEncoder().encode(body) }),
    };
    return { ok: true, request };
  } catch (error) {
    if (error instanceof Unusable) return { ok: false, detail: error.message };
    throw error;
  }
}

/** Why a URL cannot be requested by anybody, in words for people; undefined when it can. */
export function urlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url) return "the URL cannot be read; it has to be a whole one, like https://example.com/a";
  if (!/^https?:$/.test(url.protocol)) {
    return `a URL begins with https:// or http://, this one with ${url.protocol}`;
  }
  if (url.username || url.password) {
    return "a URL may not hold a user name or password; send them in an authorization header";
  }
  return undefined;
}

function urlOf(block: ApiFields, inputs: StepInputs): string {
  const text = textAt("url", block.url, inputs);
  const problem = urlProblem(text);
  if (problem) throw new Unusable(problem);
  const url = new URL(text);
  const query = Object.entries(block.query ?? {}).map(([name, value]) => [
    name,
    textAt(`query/${name}`, value, inputs),
  ]);
  // Added behind what the URL has: to read that and write it again could change how it is spelled.
  const parts = [url.search.slice(1), new URLSearchParams(query).toString()];
  url.search = parts.filter((part) => part !== "").join("&");
  url.hash = "";
  return url.href;
}

function headersOf(block: ApiFields, inputs: StepInputs): Header[] {
  const headers = new Map<string, string>();
  for (const [written, value] of Object.entries(block.headers ?? {})) {
    const name = written.toLowerCase();
    const text = textAt(`headers/${written}`, value, inputs).trim();
    if (CONNECTION_HEADERS.has(name)) {
      throw new Unusable(`the header ${name} cannot be set; it is written for each connection`);
    }
    if (headers.has(name)) throw new Unusable(`the header ${name} stands here twice`);
    if (!/^[\t\x20-\x7e]*$/.test(text)) {
      throw new Unusable(`the header ${name} may hold only printable ASCII characters, and no line breaks`);
    }
    headers.set(name, text);
  }
  // Some APIs refuse requests that do not say what sends them.
  if (!headers.has("user-agent")) headers.set("user-agent", "farhand");
  const isData = typeof block.body === "object" && "json" in block.body;
  if (isData && !headers.has("content-type")) headers.set("content-type", "application/json");
  return [...headers];
}

function bodyOf({ body, method }: ApiFields, inputs: StepInputs): string | undefined {
  if (body === undefined) return undefined;
  if (method === "GET" || method === "HEAD") {
    throw new Unusable(`a ${method} request has no body; remove it or use another method`);
  }
  return typeof body === "object" && "json" in body
    ? JSON.stringify(body.json)
    : textAt("body", body, inputs);
}

function textAt(place: string, value: SentValue, inputs: StepInputs): string {
  if (typeof value === "string") return value;
  const text = inputs[place];
  if (text === undefined) throw new Unusable(`the value of ${place} was not worked out`);
  return text;
}
