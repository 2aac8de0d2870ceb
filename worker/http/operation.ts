/**
 * One operation of the API: what it takes, what it answers, who may call it,
 * and the handler. The schemas that check the input are the ones that the
 * OpenAPI document is made of.
 */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import type { Scope } from "#protocol/actor.ts";
import { envelope } from "#protocol/api/envelope.ts";
import { ERROR_STATUS, type ErrorCode, problemSchema } from "#protocol/errors.ts";
import { type AppContext, type AppEnv, deferIn } from "../context.ts";
import { ApiError } from "../errors.ts";
import { authenticate } from "../identity/authenticate.ts";
import { type Caller, requireScope } from "../identity/caller.ts";
import { admit, askForAnonymous, askForCaller } from "../limiter/admission.ts";
import { parseInput, readJson, type TextForms } from "./input.ts";
import { type Reply, respond } from "./respond.ts";

export const API_PREFIX = "/api/v1";

interface OperationSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType> {
  method: "get" | "post" | "put" | "delete";
  /** Below `/api/v1`, as OpenAPI writes it: `/runbooks/{runbookId}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** The permission it needs; `any` for whoever is known. */
  access: Scope | "any";
  params?: P;
  query?: Q;
  body?: B;
  /** No body at all means `{}`. */
  bodyOptional?: boolean;
  /** A body that it takes. */
  example?: z.input<B>;
  /** Other forms of its body, by media type. */
  bodyForms?: TextForms;
  /** Request headers it reads, for the document. */
  headers?: z.ZodObject;
  /** `data` of its answer; absent when it answers in another form only. */
  response?: R;
  status?: 200 | 201;
  /** Other forms of its answer, by media type. */
  streams?: Record<string, { description: string }>;
  /** What it refuses with, beyond what every operation can. */
  errors?: ErrorCode[];
  /** The handler itself waits for the rate limiter, before it changes anything. */
  admitsItself?: boolean;
  /** Another operation does it better; the description says which. */
  deprecated?: boolean;
}

/** What a request brings, not yet checked. */
interface RawInput {
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  body: unknown;
}

/** Another address for an operation, for clients that know it by that. */
export interface AliasSpec {
  method?: OperationSpec<z.ZodType, z.ZodType, z.ZodType, z.ZodType>["method"];
  path: string;
  params?: z.ZodObject;
  /** What it takes instead; `none` when everything is in the address. */
  body?: z.ZodType | "none";
  /** Puts what it brings where the operation expects it. */
  adapt?: (raw: RawInput) => Partial<RawInput>;
}

interface OperationInput<P, Q, B> {
  c: AppContext;
  caller: Caller;
  params: P;
  query: Q;
  body: B;
  /** Waits for the rate limiter. @throws ApiError `rate_limited` */
  admitted: () => Promise<void>;
}

/** An operation, ready to be put into the app. */
export interface Operation {
  method: string;
  path: string;
  access: Scope | "any";
  install(app: OpenAPIHono<AppEnv>): void;
  /** The same operation at another address, marked as deprecated. */
  alias(alias: AliasSpec): Operation;
}

const none = z.unknown();

export function operation<
  P extends z.ZodType = typeof none,
  Q extends z.ZodType = typeof none,
  B extends z.ZodType = typeof none,
  R extends z.ZodType = typeof none,
>(
  spec: OperationSpec<P, Q, B, R>,
  handler: (
    input: OperationInput<z.output<P>, z.output<Q>, z.output<B>>,
  ) => Promise<Reply<z.input<R>> | Response>,
): Operation {
  const handle = async (c: AppContext, alias?: AliasSpec): Promise<Response> => {
    const caller = await admitCaller(c);
    if (spec.access !== "any") requireScope(caller, spec.access);
    // Asked now, so that a handler may do its reading beside the question.
    const asked = askForCaller(c, caller);
    const admitted = async () => admit(await asked);
    if (!spec.admitsItself) await admitted();
    const given = await readInput(c, spec, alias);
    const reply = await handler({
      c,
      caller,
      admitted,
      params: parseInput(spec.params ?? none, given.params, "path") as z.output<P>,
      query: parseInput(spec.query ?? none, given.query, "query") as z.output<Q>,
      body: (spec.body && parseInput(spec.body, given.body, "body")) as z.output<B>,
    });
    return reply instanceof Response ? reply : respond(c, { status: spec.status ?? 200, ...reply });
  };
  const at = (alias?: AliasSpec): Operation => {
    const { method, path } = { ...spec, ...(alias && { ...alias, method: alias.method ?? spec.method }) };
    return {
      method,
      path,
      access: spec.access,
      install(app) {
        app.openAPIRegistry.registerPath(describe(alias ? aliasSpec(spec, alias) : spec));
        app.on(method.toUpperCase(), honoPath(path), (c) => handle(c, alias));
      },
      alias: at,
    };
  };
  return at();
}

type AnySpec = OperationSpec<z.ZodType, z.ZodType, z.ZodType, z.ZodType>;

async function readInput(c: AppContext, spec: AnySpec, alias: AliasSpec | undefined): Promise<RawInput> {
  const hasBody = spec.body !== undefined && alias?.body !== "none";
  const raw: RawInput = { params: c.req.param(), query: c.req.query(), body: undefined };
  if (hasBody) {
    raw.body = await readJson(c.req.raw, spec.bodyOptional && alias?.body === undefined, spec.bodyForms);
  }
  if (alias?.body && alias.body !== "none") raw.body = parseInput(alias.body, raw.body, "body");
  return { ...raw, ...alias?.adapt?.(raw) };
}

/** An alias as the document tells it. */
function aliasSpec(spec: AnySpec, { method = spec.method, path, params, body }: AliasSpec): AnySpec {
  const { body: ownBody, params: ownParams, example: _, ...rest } = spec;
  return {
    ...rest,
    method,
    path,
    params: params ?? ownParams,
    ...(body !== "none" && { body: body ?? ownBody, bodyOptional: body === undefined && spec.bodyOptional }),
    tag: "Aliases",
    description: `Alias of \`${spec.method.toUpperCase()} ${API_PREFIX}${spec.path}\`.`,
    deprecated: true,
  };
}

/** Who is calling; a request from nobody known counts against its address. */
async function admitCaller(c: AppContext): Promise<Caller> {
  try {
    const caller = await authenticate(c.req.raw, { env: c.env, settings: c.var.settings, defer: deferIn(c) });
    c.set("caller", caller);
    return caller;
  } catch (error) {
    if (error instanceof ApiError) admit(await askForAnonymous(c));
    throw error;
  }
}

/**
 * `/runbooks/{runbookId}` → `/api/v1/runbooks/:runbookId`. An id right at the
 * root has to look like one of an execution, so that it takes no other address.
 */
export function honoPath(path: string): string {
  const rooted = path.replace(/^\/\{(executionId)\}/, "/:$1{exe_[0-9a-z]+}");
  return API_PREFIX + rooted.replaceAll(/\/\{([^}]+)\}/g, "/:$1");
}

const EVERYWHERE: ErrorCode[] = [
  "invalid_request",
  "unauthenticated",
  "invalid_api_key",
  "insufficient_scope",
  "rate_limited",
  "unavailable",
  "internal",
];
const WITH_BODY: ErrorCode[] = ["malformed_json", "payload_too_large", "unsupported_media_type"];

function describe(spec: AnySpec) {
  const { params, query, body, headers } = spec;
  const permission = spec.access === "any" ? "" : `Needs the scope \`${spec.access}\`.`;
  return createRoute({
    method: spec.method,
    path: API_PREFIX + spec.path,
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.deprecated && { deprecated: true }),
    description: [spec.description, permission].filter(Boolean).join("\n\n"),
    security: [{ apiKey: [] }, { bearer: [] }, { session: [] }],
    request: {
      ...(params instanceof z.ZodObject && { params }),
      ...(query instanceof z.ZodObject && { query }),
      ...(headers && { headers }),
      ...(body && {
        body: { required: !spec.bodyOptional, content: bodyContent(body, spec) },
      }),
    },
    responses: {
      ...successOf(spec),
      ...problemsOf([...EVERYWHERE, ...(body ? WITH_BODY : []), ...(spec.errors ?? [])]),
    },
  });
}

function bodyContent(schema: z.ZodType, { example, bodyForms = {} }: AnySpec) {
  const others = Object.keys(bodyForms).map((type) => [type, { schema: z.string() }] as const);
  return {
    "application/json": { schema, ...(example !== undefined && { example }) },
    ...Object.fromEntries(others),
  };
}

function successOf(spec: AnySpec) {
  const content = {
    ...(spec.response && { "application/json": { schema: envelope(spec.response) } }),
    ...Object.fromEntries(
      Object.entries(spec.streams ?? {}).map(([type, { description }]) => [
        type,
        { schema: z.string().describe(description) },
      ]),
    ),
  };
  return { [spec.status ?? 200]: { description: spec.summary, content } };
}

/** By its name in the document, so that it stands there once. */
const namedProblemSchema = problemSchema.meta({ id: "Problem" });

/** Codes that share a status share an entry. */
function problemsOf(codes: ErrorCode[]) {
  const byStatus = Map.groupBy(new Set(codes), (code) => ERROR_STATUS[code]);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      {
        description: same.join(", "),
        content: { "application/problem+json": { schema: namedProblemSchema } },
      },
    ]),
  );
}
