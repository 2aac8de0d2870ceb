/** What an `api` block says about its request, and what is told of the answer. Pure. */
import type { ApiBlock } from "#protocol/blocks/index.ts";
import type { StepValues } from "#protocol/data.ts";
import { VALUES_MAX_BYTES } from "#protocol/limits.ts";
import type { Texts } from "../job/values.ts";
import type { HttpAnswer, HttpRequest } from "./http.ts";
import { RunnerRefusal } from "./refusal.ts";

/** What a connection is made of; a block that set these would contradict it. */
const NOT_THE_BLOCKS = new Set(["connection", "content-length", "expect", "keep-alive", "te", "trailer"])
  .add("transfer-encoding")
  .add("upgrade");
/** Names of headers and query fields whose values are nobody's business. */
const SECRET =
  /auth(?!ors?$|enticate$)|cookie|token|secret|passw|credential|signature|session|(^|[-_.])(api|access|private)?-?_?key$/i;
const HIDDEN = "(not shown)";
/** How deep a value may be nested: whoever reads it next walks it. */
const VALUE_DEPTH_MAX = 32;

/**
 * The request that a block asks for.
 * @throws RunnerRefusal when it cannot be sent
 */
export function resolveRequest(block: ApiBlock, texts: Texts): HttpRequest {
  const url = resolveUrl(texts.get("url") ?? "");
  const headers: Record<string, string> = {};
  for (const [place, text] of texts) {
    if (place.startsWith("query/")) url.searchParams.append(place.slice("query/".length), text);
    if (!place.startsWith("headers/")) continue;
    const name = place.slice("headers/".length).toLowerCase();
    if (NOT_THE_BLOCKS.has(name)) throw refuse(`the header ${name} is set by the connection: leave it out`);
    if (/[^\t\x20-\x7e\x80-\xff]/.test(text)) {
      throw refuse(`the header ${name} has a line break or another character that no header can carry`);
    }
    headers[name] = text;
  }
  const json = typeof block.body === "object" && "json" in block.body ? block.body.json : undefined;
  if (json === undefined) return { method: block.method, url: url.href, headers, body: texts.get("body") };
  const body = JSON.stringify(json);
  return {
    method: block.method,
    url: url.href,
    headers: { "content-type": "application/json", ...headers },
    body,
  };
}

function resolveUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw refuse(`"${text.slice(0, 200)}" is not an address like https://example.com/path`);
  }
  if (url.username || url.password) throw refuse("an address may not hold a password: use a header");
  url.hash = "";
  return url;
}

function refuse(detail: string): RunnerRefusal {
  return new RunnerRefusal("bad_request", detail);
}

/** Does this status mean success to the block? */
export function isExpected(block: ApiBlock, status: number): boolean {
  return block.expect ? block.expect.includes(status) : status >= 200 && status <= 299;
}

/** The request in words, without what could be a secret. */
export function renderRequest({ method, url, headers }: HttpRequest): string {
  return renderHead(">", `${method} ${shownUrl(url)}`, headers);
}

/** The answer without its body, in words. */
export function renderAnswer(answer: HttpAnswer, request: HttpRequest): string {
  const from = answer.url === request.url ? "" : ` from ${shownUrl(answer.url)}`;
  const cut = answer.cut ? `farhand: the answer went on after ${answer.body.length} bytes and was cut\n` : "";
  return renderHead("<", `${answer.status}${from}`, answer.headers) + cut;
}

function renderHead(sign: string, first: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(
    ([name, value]) => `${name}: ${SECRET.test(name) ? HIDDEN : value}`,
  );
  return [first, ...lines].map((line) => `${sign} ${line}\n`).join("");
}

function shownUrl(text: string): string {
  const url = new URL(text);
  for (const name of new Set(url.searchParams.keys())) {
    if (SECRET.test(name)) url.searchParams.set(name, HIDDEN);
  }
  return url.href;
}

/** The values that a block takes from the body of an answer, and why some could not be taken. */
export function valuesOf(
  block: ApiBlock,
  { body, cut }: Pick<HttpAnswer, "body" | "cut">,
): { values: StepValues; problems: string[] } {
  const outputs = Object.entries(block.outputs ?? {});
  if (outputs.length === 0) return { values: {}, problems: [] };
  const none = (why: string) => ({ values: {}, problems: [`${why}; no values were taken from it`] });
  if (cut) return none("the answer is not whole");
  let data: unknown;
  try {
    data = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return none("the answer is not JSON");
  }
  const values = new Map<string, StepValues[string]>();
  const problems: string[] = [];
  for (const [name, pointer] of outputs) {
    const value = valueAt(data, pointer);
    if (value === undefined)
      problems.push(`the answer has nothing at "${pointer}", so there is no "${name}"`);
    else if (!isJson(value)) problems.push(`"${name}" was left out: it is nested too deeply`);
    else values.set(name, value);
  }
  const taken = Object.fromEntries(values);
  const fits = Buffer.byteLength(JSON.stringify(taken)) <= VALUES_MAX_BYTES;
  return fits ? { values: taken, problems } : none(`what it asks for is over ${VALUES_MAX_BYTES / 1024} KiB`);
}

/** What a JSON pointer (RFC 6901) points to; undefined when nothing is there. */
function valueAt(data: unknown, pointer: string): unknown {
  let at = data;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    if (Array.isArray(at) && !/^(0|[1-9]\d*)$/.test(key)) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}

/** True for what came out of `JSON.parse` and is not nested too deeply. */
function isJson(value: unknown, depth = VALUE_DEPTH_MAX): value is StepValues[string] {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((each) => isJson(each, depth - 1));
}
