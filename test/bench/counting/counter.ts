/** Wraps the bindings so that every call to D1 and to a Durable Object is noted. One isolate runs them all. */
import type { Env } from "../../../worker/env.ts";
import type { Call } from "./call.ts";

let calls: Call[] = [];
let ticks = 0;

export function takeCalls(): Call[] {
  return calls;
}

export function forgetCalls(): void {
  calls = [];
}

/** Notes something that only happens, without an end. */
export function note(from: string, kind: Call["kind"], what: string): void {
  const at = ++ticks;
  calls.push({ from, kind, what, writes: false, began: at, ended: at });
}

/** The bindings as `from` sees them, with every call noted under that name. */
export function counted(env: Env, from: string): Env {
  return {
    ...env,
    DB: countedDatabase(env.DB, from),
    EXECUTION_COORDINATOR: countedNamespace(env.EXECUTION_COORDINATOR, from, "ExecutionCoordinator"),
    AGENT_POOL: countedNamespace(env.AGENT_POOL, from, "AgentPool"),
    ORGANIZATION_FEED: countedNamespace(env.ORGANIZATION_FEED, from, "OrganizationFeed"),
    RATE_LIMITER: countedNamespace(env.RATE_LIMITER, from, "RateLimiter"),
    ORGANIZATION_LOCKS: countedNamespace(env.ORGANIZATION_LOCKS, from, "OrganizationLocks"),
    OUTBOUND_BREAKERS: countedNamespace(env.OUTBOUND_BREAKERS, from, "OutboundBreakers"),
  };
}

async function during<T>(call: Omit<Call, "began" | "ended">, work: () => Promise<T>): Promise<T> {
  const entry: Call = { ...call, began: ++ticks };
  calls.push(entry);
  try {
    return await work();
  } finally {
    entry.ended = ++ticks;
  }
}

/** What a proxy puts in place of a method; undefined leaves the target's own. */
type Replacement = (name: string | symbol, own: unknown) => unknown;

function wrap<T extends object>(target: T, replace: Replacement): T {
  return new Proxy(target, {
    get(_, name) {
      const own: unknown = Reflect.get(target, name, target);
      return replace(name, own) ?? (typeof own === "function" ? own.bind(target) : own);
    },
  });
}

/** The statements behind the counted ones, and their SQL: a batch takes only D1's own. */
const statements = new WeakMap<D1PreparedStatement, { own: D1PreparedStatement; sql: string }>();
const RUNS: ReadonlySet<string | symbol> = new Set(["run", "all", "first", "raw"]);

function countedDatabase(database: D1Database, from: string): D1Database {
  return wrap(database, (name) => {
    if (name === "prepare") return (sql: string) => countedStatement(database.prepare(sql), sql, from);
    if (name !== "batch") return undefined;
    return (batch: D1PreparedStatement[]) => {
      const known = batch.map((each) => statements.get(each) ?? { own: each, sql: "?" });
      const what = `batch of ${known.map(({ sql }) => nameOf(sql)).join(", ")}`;
      const writes = known.some(({ sql }) => isWrite(sql));
      return during({ from, kind: "d1", what, writes }, () => database.batch(known.map(({ own }) => own)));
    };
  });
}

function countedStatement(own: D1PreparedStatement, sql: string, from: string): D1PreparedStatement {
  const statement = wrap(own, (name, method) => {
    if (name === "bind") return (...values: unknown[]) => countedStatement(own.bind(...values), sql, from);
    if (!RUNS.has(name) || typeof method !== "function") return undefined;
    return (...args: unknown[]) =>
      during({ from, kind: "d1", what: nameOf(sql), writes: isWrite(sql) }, () => method.apply(own, args));
  });
  statements.set(statement, { own, sql });
  return statement;
}

function isWrite(sql: string): boolean {
  return !/^\s*(select|with|pragma)\b/i.test(sql);
}

/** `select … from "api_keys"` → `read api_keys` */
function nameOf(sql: string): string {
  const table = /\b(?:from|into|update)\s+"?(\w+)/i.exec(sql)?.[1] ?? "?";
  return `${isWrite(sql) ? "write" : "read"} ${table}`;
}

function countedNamespace<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  from: string,
  className: string,
): DurableObjectNamespace<T> {
  const GETTERS: ReadonlySet<string | symbol> = new Set(["get", "getByName"]);
  return wrap(namespace, (name, getter) => {
    if (!GETTERS.has(name) || typeof getter !== "function") return undefined;
    return (...args: unknown[]) => countedStub(getter.apply(namespace, args), from, className);
  });
}

/** A stub answers to every name with a method; only `id` and `name` are values. */
function countedStub(stub: object, from: string, className: string): object {
  return wrap(stub, (name, method) => {
    if (typeof method !== "function" || typeof name !== "string") return undefined;
    const call = { from, kind: "object", what: `${className}.${name}`, writes: false } as const;
    return (...args: unknown[]) => during(call, () => Reflect.apply(method, stub, args));
  });
}
