/**
 * The one table of the words that describe blocks, and what they are called in
 * the document. Parser, printer, documentation and forms go by it, in its order.
 */
import { METHODS } from "../blocks/api.ts";
import type { BlockKind } from "../blocks/index.ts";
import type { Field } from "./fieldTypes.ts";
import { APPROVER_FIELDS, BLOCK_TARGET_FIELDS, locksField, parameterFields, RETRY_FIELDS } from "./groups.ts";

const nameField: Field = {
  word: "name",
  key: "id",
  type: { is: "text" },
  doc: "what it is called in expressions, in the API and in links: 1–63 lower-case letters, digits and hyphens, unique in the runbook",
  isAttribute: true,
};

/** Fields of every block. */
export const COMMON_FIELDS: readonly Field[] = [
  nameField,
  {
    word: "title",
    key: "title",
    type: { is: "text" },
    doc: "what people see; its name when absent, or its heading when it has no name either",
    isAttribute: true,
  },
  {
    word: "when",
    key: "when",
    type: { is: "expression" },
    doc: "it is skipped unless this is true",
    isAttribute: true,
  },
  {
    word: "timeout",
    key: "timeoutMs",
    type: { is: "duration" },
    doc: "when it is stopped, with everything in it: `1s` to `7d`; `1h` for commands and requests when absent",
    isAttribute: true,
  },
  {
    word: "on-failure",
    key: "onFailure",
    type: { is: "choice", options: ["stop", "continue"] },
    doc: "`continue`: its failure is recorded and tolerated; `stop` when absent",
    isAttribute: true,
  },
  {
    word: "confirm",
    key: "confirm",
    type: { is: "question" },
    doc: "asks a person before it begins; `true` or `yes` asks plainly",
    isAttribute: true,
  },
  locksField,
];

const retryFields: readonly Field[] = [
  {
    word: "retry",
    key: "retry",
    type: {
      is: "group",
      fields: () => RETRY_FIELDS,
      isList: false,
      short: { type: "number", key: "maxAttempts" },
    },
    doc: "how often it is tried in all, or more about it",
    isAttribute: true,
  },
  {
    word: "idempotent",
    key: "idempotent",
    type: { is: "boolean" },
    doc: "`true`: running it twice does no more than running it once, so it may be tried again even when nobody knows how it ended",
    isAttribute: true,
  },
];

const targetField: Field = {
  word: "target",
  key: "target",
  type: { is: "group", fields: () => BLOCK_TARGET_FIELDS, isList: false },
  doc: "the agents it runs on, when not where the runbook runs",
};

const agentFields: readonly Field[] = [
  ...retryFields,
  targetField,
  {
    word: "output",
    key: "outputLimitBytes",
    type: { is: "size" },
    doc: "how much of its output is kept: `256KiB` to `1GiB`; `64MiB` when absent",
    isAttribute: true,
  },
  {
    word: "on-disconnect",
    key: "onDisconnect",
    type: { is: "choice", options: ["continue", "stop"] },
    doc: "what a lost connection means while it runs: `continue` (when absent) keeps it running and reports later, `stop` ends it",
    isAttribute: true,
  },
];

const compensateField: Field = {
  word: "compensate",
  key: "compensate",
  type: { is: "block", kinds: ["command", "api"] },
  doc: "the block that undoes it when a later one fails",
};

const formField: Field = {
  word: "form",
  key: "form",
  type: { is: "group", fields: parameterFields, isList: true },
  doc: "what is asked for, written like parameters; the answers are its outputs",
};

const expiresField: Field = {
  word: "expires",
  key: "expiresMs",
  type: { is: "duration" },
  doc: "how long to wait for a person; `24h` when absent",
};

const concurrencyField = (doc: string): Field => ({
  word: "concurrency",
  key: "concurrency",
  type: { is: "number" },
  doc,
});

/** Beyond those of every block. */
export const KIND_FIELDS = {
  instruction: [
    {
      word: "acknowledge",
      key: "acknowledge",
      type: { is: "boolean" },
      doc: "`true`: waits until somebody says that it is done",
    },
    formField,
    {
      word: "note-required",
      key: "noteRequired",
      type: { is: "boolean" },
      doc: "`true`: a note is demanded as evidence",
    },
    expiresField,
    { word: "markdown", key: "markdown", type: { is: "lines" }, doc: "the text", isRequired: true },
  ],
  command: [
    {
      word: "interpreter",
      key: "interpreter",
      type: { is: "text" },
      doc: "the program that runs the script: `bash` when absent, or any other that the agent has",
      otherwise: "bash",
    },
    { word: "env", key: "env", type: { is: "values" }, doc: "further environment of the script" },
    {
      word: "secrets",
      key: "secrets",
      type: { is: "secrets" },
      doc: "[secrets](secrets.md) that the agent puts into the script's environment: `db-password` alone is in `DB_PASSWORD`, and with `as: file` the variable holds the path of a file",
      isAttribute: true,
    },
    {
      word: "working-directory",
      key: "workingDirectory",
      type: { is: "text" },
      doc: "the absolute path of the folder it runs in; a folder of the execution when absent",
      isAttribute: true,
    },
    {
      word: "user",
      key: "user",
      type: { is: "text" },
      doc: "the account it runs as, where the agent is installed for that; the agent's own, or its step user, when absent",
      isAttribute: true,
    },
    {
      word: "stdin",
      key: "stdin",
      type: { is: "value" },
      doc: "what the script reads from its standard input",
    },
    {
      word: "exit-codes",
      key: "exitCodes",
      type: { is: "numbers" },
      doc: "exit codes that mean success; 0 when absent",
      isAttribute: true,
    },
    {
      word: "outputs",
      key: "outputs",
      type: { is: "names" },
      doc: "names of the values that the script writes to `$FARHAND_OUTPUT`, as lines of `name=value`; without one of them the step fails",
      isAttribute: true,
    },
    ...agentFields,
    { word: "script", key: "script", type: { is: "lines" }, doc: "the script", isRequired: true },
    compensateField,
  ],
  api: [
    {
      word: "method",
      key: "method",
      type: { is: "choice", options: METHODS },
      doc: "`GET` when absent",
      otherwise: "GET",
    },
    { word: "url", key: "url", type: { is: "value" }, doc: "where the request goes", isRequired: true },
    { word: "query", key: "query", type: { is: "sent" }, doc: "what is added to the address behind `?`" },
    {
      word: "headers",
      key: "headers",
      type: { is: "sent" },
      doc: 'headers of the request, such as `{authorization: {secret: api-token, prefix: "Bearer "}}`',
    },
    { word: "body", key: "body", type: { is: "body" }, doc: "what is sent" },
    {
      word: "expect",
      key: "expect",
      type: { is: "numbers" },
      doc: "statuses that mean success; any of 200–299 when absent",
    },
    {
      word: "from",
      key: "from",
      type: { is: "choice", options: ["agent", "edge"] },
      doc: "`agent` (when absent): from your network; `edge`: from the control plane, to public hosts only",
    },
    {
      word: "outputs",
      key: "outputs",
      type: { is: "texts" },
      doc: "values to take from a JSON answer, by name: a [JSON pointer](https://www.rfc-editor.org/rfc/rfc6901) such as `/data/version`",
    },
    {
      word: "answer-limit",
      key: "answerLimitBytes",
      type: { is: "size" },
      doc: "how much of the answer is read, up to `4MiB`; `1MiB` when absent",
    },
    ...agentFields,
    compensateField,
  ],
  condition: [
    { word: "if", key: "if", type: { is: "expression" }, doc: "true or false", isRequired: true },
    {
      word: "then",
      key: "then",
      type: { is: "blocks" },
      doc: "what to do when it is true",
      isRequired: true,
    },
    { word: "else", key: "else", type: { is: "blocks" }, doc: "what to do when it is false" },
  ],
  timer: [
    { word: "duration", key: "durationMs", type: { is: "duration" }, doc: "how long to wait, up to `30d`" },
    {
      word: "until",
      key: "until",
      type: { is: "value" },
      doc: "when to go on instead: `HH:MM` for the next such time, or an instant such as `2030-01-31T09:00:00Z`",
    },
    {
      word: "zone",
      key: "zone",
      type: { is: "text" },
      doc: "the time zone of `HH:MM` by its IANA name, such as `Europe/Berlin`; UTC when absent",
    },
  ],
  approval: [
    { word: "markdown", key: "markdown", type: { is: "lines" }, doc: "what is asked" },
    {
      word: "required",
      key: "required",
      type: { is: "number" },
      doc: "how many have to agree; 1 when absent",
    },
    {
      word: "from",
      key: "from",
      type: { is: "group", fields: () => APPROVER_FIELDS, isList: false },
      doc: "who may agree; anybody who may run executions when absent",
    },
    {
      word: "allow-requester",
      key: "allowRequester",
      type: { is: "boolean" },
      doc: "`true`: the person who started the execution may agree too",
    },
    formField,
    expiresField,
    {
      word: "on-expiry",
      key: "onExpiry",
      type: { is: "choice", options: ["reject", "approve"] },
      doc: "what it means when nobody answered in time; `reject` when absent",
    },
  ],
  parallel: [
    concurrencyField("how many branches run at once; all when absent"),
    {
      word: "branches",
      key: "branches",
      type: { is: "branches" },
      doc: "lists of blocks that run side by side",
      isRequired: true,
    },
  ],
  foreach: [
    {
      word: "items",
      key: "items",
      type: { is: "expression" },
      doc: "a list: the blocks run for each of its items",
    },
    { ...targetField, doc: "agents instead: the blocks run on each of them" },
    concurrencyField("how many items are worked on at once; 1 when absent, and every agent of a target"),
    {
      word: "max-failures",
      key: "maxFailures",
      type: { is: "number" },
      doc: "how many may fail before no further one begins; 0 when absent",
    },
    { word: "blocks", key: "blocks", type: { is: "blocks" }, doc: "what to do each time", isRequired: true },
  ],
  runbook: [
    {
      word: "runbook",
      key: "runbook",
      type: { is: "text" },
      doc: "its id or its exact title",
      isRequired: true,
    },
    {
      word: "version",
      key: "version",
      type: { is: "number" },
      doc: "a version by number; the latest when absent",
    },
    { word: "parameters", key: "parameters", type: { is: "arguments" }, doc: "its parameters" },
    ...retryFields,
    compensateField,
  ],
} as const satisfies Record<BlockKind, readonly Field[]>;

/** What each kind is, in Markdown: one sentence without its full stop. */
export const KIND_DOCS = {
  instruction: "Text for a person",
  command: "A script that an agent runs",
  api: "An HTTP request, from your network or from the control plane",
  condition: "One of two lists of blocks",
  timer: "Waits, without an agent and without cost",
  approval: "Waits until enough people have agreed to exactly this plan",
  parallel: "Lists of blocks side by side",
  foreach: "The same blocks for each item of a list, or on each agent",
  runbook: "Another runbook, as an execution of its own that is canceled with this one",
} as const satisfies Record<BlockKind, string>;

export const BLOCK_KINDS = Object.keys(KIND_FIELDS) as BlockKind[];

/** The fields of a kind, in the order they are printed. */
export function fieldsOf(kind: BlockKind): readonly Field[] {
  return [...COMMON_FIELDS, ...KIND_FIELDS[kind]];
}

/** Fields that a fence may carry as attributes; the rest is the fence itself. */
export const ATTRIBUTES: readonly Field[] = fieldsOf("command").filter((field) => field.isAttribute);

export function isBlockKind(kind: unknown): kind is BlockKind {
  return typeof kind === "string" && Object.hasOwn(KIND_FIELDS, kind);
}
