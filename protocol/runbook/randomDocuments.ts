/** Random documents of every kind and field, with the texts that Markdown, YAML and fences trip over. */
import fc from "fast-check";
import { METHODS } from "../blocks/api.ts";
import { FENCE_INTERPRETERS } from "../blocks/command.ts";
import { RETRY_ON } from "../blocks/common.ts";
import { blockSchema } from "../blocks/index.ts";
import { CHUNK_MAX_BYTES, OUTPUT_MAX_BYTES, STEP_TIMEOUT_MAX_MS, WAIT_MAX_MS } from "../limits.ts";
import { variableOf } from "../secrets.ts";
import { checkDocument } from "./check.ts";
import { type RunbookDocument, runbookDocumentSchema } from "./document.ts";

/** Texts with what Markdown, YAML and fences trip over. */
export const awkward = fc.constantFrom(
  "```",
  "~~~~",
  "```bash\nls\n```",
  "```js\nx",
  "<!--",
  "-->",
  "<!-- name=x -->",
  "<script>",
  "---",
  "# ",
  "- ",
  "1. ",
  "> ",
  "    code",
  "\t",
  "\n",
  "\n\n",
  "\r\n",
  "\0",
  "\u2028",
  "\u0085",
  "\uFEFF",
  " ",
  '"',
  "'",
  ": ",
  " #",
  "&a",
  "*a",
  "!t",
  "%",
  "@",
  "`",
  "{a=b}",
  "yes",
  "null",
  "1e3",
  "😀",
  "\u202e",
);
export const text = fc
  .array(fc.oneof(awkward, fc.string({ unit: "binary", maxLength: 6 }), fc.lorem({ maxCount: 3 })), {
    minLength: 1,
    maxLength: 8,
  })
  .map((parts) => parts.join(""))
  .filter((value) => value !== "");
const title = text
  .map((value) => value.slice(0, 150).trim())
  .filter((value) => value !== "" && value.isWellFormed());
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const common = {
  name: fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,10}$/),
  description: optional(text),
  required: optional(fc.boolean()),
};
const parameter = fc.oneof(
  fc.record({ ...common, type: fc.constant("string"), default: optional(text) }),
  fc.record({ ...common, type: fc.constant("number"), default: optional(number) }),
  fc.record({ ...common, type: fc.constant("boolean"), default: optional(fc.boolean()) }),
  fc.record({
    ...common,
    type: fc.constant("choice"),
    options: fc.array(text, { minLength: 1, maxLength: 3 }),
  }),
);
const parameters = (maxLength: number) =>
  fc.uniqueArray(parameter, { selector: (each) => each.name.toUpperCase(), maxLength, minLength: 1 });

const duration = fc.integer({ min: 1_000, max: STEP_TIMEOUT_MAX_MS });
const wait = fc.integer({ min: 1_000, max: WAIT_MAX_MS });
const count = fc.integer({ min: 1, max: 20 });
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const word2 = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
/** Whatever happens to be looked at is there: the rest of the expression is as awkward as it gets. */
const expression = fc
  .oneof(fc.string({ maxLength: 8 }), awkward)
  .map((value) => `${JSON.stringify(value.toWellFormed()).replaceAll("\\u", "\\\\u")} == "x"\n || true`);
const clean = text.map((each) => each.replaceAll("\0", "") || "-");
const value = fc.oneof(clean, fc.record({ expr: expression }));
const secret = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/);
const sent = fc.oneof(value, fc.record({ secret, prefix: fc.constantFrom("Bearer ", "") }));
const secretUses = fc.oneof(
  fc
    .uniqueArray(
      secret.filter((name) => /^[a-z]/.test(name)),
      { minLength: 1, maxLength: 3, selector: variableOf },
    )
    .map((names) => Object.fromEntries(names.map((name) => [variableOf(name), name]))),
  fc.dictionary(
    fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/),
    fc.oneof(secret, fc.record({ name: secret, as: fc.constantFrom("env", "file") })),
    { minKeys: 1, maxKeys: 3 },
  ),
);
const keyOf = fc
  .oneof(word, awkward, fc.constantFrom("1", "on", "<<", "a: b", "- ", "?"))
  .filter((key) => key !== "");
const values = (key: fc.Arbitrary<string>) => fc.dictionary(key, value, { maxKeys: 3 });
const numbers = (min: number, max: number) =>
  fc.array(fc.integer({ min, max }), { minLength: 1, maxLength: 3 });
const labels = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 10 }).filter((key) => key !== "__proto__"),
  text.map((each) => each.slice(0, 255)),
);
const lock = fc.record({ name: word, mode: optional(fc.constantFrom("shared", "exclusive")) });
const locks = fc.array(lock, { minLength: 1, maxLength: 2 });
const retry = fc.record({
  maxAttempts: fc.integer({ min: 2, max: 20 }),
  delayMs: optional(fc.integer({ min: 0, max: 3_600_000 })),
  factor: optional(fc.double({ min: 1, max: 10, noNaN: true })),
  maxDelayMs: optional(fc.integer({ min: 0, max: 86_400_000 })),
  on: optional(fc.subarray([...RETRY_ON], { minLength: 1 })),
});
const target = fc.record({
  pool: optional(word),
  labels: optional(labels),
  mode: optional(fc.constantFrom("one", "all", "rolling")),
  batch: optional(count),
  maxFailures: optional(count),
  pauseMs: optional(wait),
  whenNone: optional(fc.constantFrom("wait", "fail")),
  waitMs: optional(wait),
});

/** A text that is no other word for true or false. */
const question = text.filter((each) => !/^(?:true|yes|false|no)$/i.test(each));

/** Blocks are named afterwards, so that no name comes twice. */
const every = {
  title,
  when: expression,
  timeoutMs: duration,
  onFailure: fc.constantFrom("stop", "continue"),
  confirm: fc.oneof(fc.constant(true), fc.constantFrom("true?", "a,b"), question),
  locks,
};
const retried = { retry, idempotent: fc.boolean() };
const byAgent = {
  ...retried,
  target,
  outputLimitBytes: fc.integer({ min: CHUNK_MAX_BYTES, max: OUTPUT_MAX_BYTES }),
  onDisconnect: fc.constantFrom("continue", "stop"),
};
type Fields = Record<string, unknown>;
/** With none of the fields that may be left out, or a few of them: those fit into the short forms. */
const leaving = (
  needed: Record<string, fc.Arbitrary<unknown>>,
  others: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<Fields> =>
  fc.subarray(Object.keys(others), { maxLength: 5 }).chain((kept) => {
    const chosen = Object.entries(others).filter(([key]) => kept.includes(key));
    return fc.record({ ...needed, ...Object.fromEntries(chosen) });
  });

/** Gives every block of a tree a name of its own. */
function named(block: Fields, next: () => string): Fields {
  const inside = (inner: unknown): unknown =>
    Array.isArray(inner) ? inner.map((each) => inside(each)) : named(inner as Fields, next);
  const id = next();
  const lists = ["then", "else", "branches", "blocks", "compensate"].filter(
    (key) => block[key] !== undefined,
  );
  return { ...block, id, ...Object.fromEntries(lists.map((key) => [key, inside(block[key])])) };
}

function counter(prefix: string): () => string {
  let last = 0;
  return () => `${prefix}-${++last}`;
}

const EMPTY: RunbookDocument = { schema: 1, title: "x", parameters: [], target: {}, blocks: [] };
/** Only what can stand in a document by itself. */
const possible = (fields: fc.Arbitrary<Fields>) =>
  fields.filter((block) => {
    const parsed = blockSchema.safeParse(named(block, counter("b")));
    return parsed.success && checkDocument({ ...EMPTY, blocks: [parsed.data] }).length === 0;
  });

const command = leaving(
  {
    kind: fc.constant("command"),
    interpreter: fc.constantFrom(...FENCE_INTERPRETERS, "perl"),
    script: clean.map((each) => (each.trim() === "" ? ":" : each)),
  },
  {
    ...every,
    ...byAgent,
    env: values(word2),
    secrets: secretUses,
    workingDirectory: fc.oneof(
      fc.constant("/srv/app"),
      clean.map((each) => `/${each}`),
    ),
    user: word,
    stdin: value,
    exitCodes: numbers(0, 255),
    outputs: fc.array(word2, { minLength: 1, maxLength: 3 }),
  },
);
const url = fc.oneof(
  clean.map((each) => `https://example.com/${each}`),
  fc.record({ expr: expression }),
);
const api = leaving(
  { kind: fc.constant("api"), method: fc.constantFrom(...METHODS), url },
  {
    ...every,
    ...byAgent,
    query: fc.dictionary(keyOf, sent, { maxKeys: 3 }),
    headers: fc.dictionary(word2, sent, { maxKeys: 3 }),
    body: fc.oneof(sent, fc.record({ json: fc.jsonValue({ maxDepth: 4 }) })),
    expect: numbers(100, 599),
    from: fc.constantFrom("agent", "edge"),
    outputs: fc.dictionary(word2, fc.constantFrom("", "/a", "/a~1b/0"), { maxKeys: 2 }),
    answerLimitBytes: fc.integer({ min: 1, max: 4_194_304 }),
  },
);
const compensable = (block: fc.Arbitrary<Fields>) =>
  fc
    .tuple(block, fc.option(fc.oneof(command, api), { nil: undefined, freq: 4 }))
    .map(([main, compensate]) => ({ ...main, ...(compensate && { compensate }) }));

const prose = leaving(
  { kind: fc.constant("instruction"), markdown: text },
  { ...every, acknowledge: fc.boolean(), form: parameters(2), noteRequired: fc.boolean(), expiresMs: wait },
);
const timer = fc.oneof(
  leaving({ kind: fc.constant("timer"), durationMs: fc.integer({ min: 0, max: WAIT_MAX_MS }) }, every),
  leaving(
    { kind: fc.constant("timer"), until: fc.oneof(fc.constantFrom("23:59", "2030-01-31T09:00:00Z"), value) },
    { ...every, zone: fc.constantFrom("Europe/Berlin", "UTC") },
  ),
);
const people = fc.array(
  text.map((each) => each.slice(0, 60)),
  { minLength: 1, maxLength: 3 },
);
const approval = leaving(
  { kind: fc.constant("approval") },
  {
    ...every,
    markdown: text,
    required: count,
    from: fc.record({ people: optional(people), roles: people }),
    allowRequester: fc.boolean(),
    form: parameters(2),
    expiresMs: wait,
    onExpiry: fc.constantFrom("reject", "approve"),
  },
);
const runbook = compensable(
  leaving(
    { kind: fc.constant("runbook"), runbook: title },
    {
      ...every,
      ...retried,
      version: count,
      parameters: fc.dictionary(word2, fc.oneof(value, number, fc.boolean()), { maxKeys: 3 }),
    },
  ),
);
const { block } = fc.letrec<{ block: Fields; list: Fields[] }>((tie) => {
  const list = tie("list");
  return {
    list: fc.array(tie("block"), { minLength: 1, maxLength: 2, depthIdentifier: "blocks" }),
    block: fc.oneof(
      { depthIdentifier: "blocks", depthSize: "medium", maxDepth: 4 },
      fc.oneof(
        possible(prose),
        possible(compensable(command)),
        possible(compensable(api)),
        possible(timer),
        possible(approval),
        possible(runbook),
      ),
      leaving({ kind: fc.constant("condition"), if: expression, then: list }, { ...every, else: list }),
      leaving(
        { kind: fc.constant("parallel"), branches: fc.array(list, { minLength: 1, maxLength: 3 }) },
        { ...every, concurrency: count },
      ),
      fc.oneof(
        leaving(
          { kind: fc.constant("foreach"), items: expression.map((each) => `[${each}]`), blocks: list },
          { ...every, concurrency: count, maxFailures: count },
        ),
        leaving({ kind: fc.constant("foreach"), target, blocks: list }, { ...every, concurrency: count }),
      ),
    ),
  };
});

/** Documents that the schema accepts and that can work out. */
export const documents = fc
  .record({
    schema: fc.constant(1),
    title,
    description: optional(text),
    parameters: fc.oneof(fc.constant([]), parameters(4)),
    target: fc.record({ pool: optional(word), labels: optional(labels) }),
    timeoutMs: optional(wait),
    locks: optional(locks),
    blocks: fc.array(block, { maxLength: 4 }),
    finally: optional(fc.array(block, { minLength: 1, maxLength: 2 })),
    prefix: fc.constantFrom("note", "step", "b"),
  })
  .map(({ prefix, ...value }) => {
    const next = counter(prefix);
    const blocks = value.blocks.map((each) => named(each, next));
    const last = value.finally?.map((each) => named(each, next));
    return runbookDocumentSchema.safeParse(JSON.parse(JSON.stringify({ ...value, blocks, finally: last })));
  })
  .filter((result) => result.success)
  .map((result) => result.data)
  .filter((document) => checkDocument(document).length === 0);

/** Documents with a single command: the kind that is written in the most ways. */
export const commandDocuments = possible(compensable(command)).map((block) =>
  runbookDocumentSchema.parse({ ...EMPTY, blocks: [named(block, counter("b"))] }),
);
