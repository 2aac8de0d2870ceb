/** Fields that have fields of their own, and those of the front matter. */
import { RETRY_ON } from "../blocks/common.ts";
import type { Field } from "./fieldTypes.ts";

export const PARAMETER_TYPES = ["string", "number", "boolean", "choice"] as const;

const parameterBase: readonly Field[] = [
  { word: "name", key: "name", type: { is: "text" }, doc: "what it is called", isRequired: true },
  { word: "description", key: "description", type: { is: "text" }, doc: "what people are told about it" },
  { word: "required", key: "required", type: { is: "boolean" }, doc: "`false`: it may be left open" },
  {
    word: "type",
    key: "type",
    type: { is: "choice", options: PARAMETER_TYPES },
    doc: "what kind of value it takes",
    isRequired: true,
  },
];

const defaultField = (is: "text" | "number" | "boolean"): Field => ({
  word: "default",
  key: "default",
  type: { is },
  doc: "the value when none is given",
});

const parameterExtras: Readonly<Record<string, readonly Field[]>> = {
  string: [
    defaultField("text"),
    { word: "pattern", key: "pattern", type: { is: "text" }, doc: "a regular expression in RE2 syntax" },
  ],
  number: [
    defaultField("number"),
    { word: "min", key: "min", type: { is: "number" }, doc: "the least it may be" },
    { word: "max", key: "max", type: { is: "number" }, doc: "the most it may be" },
  ],
  boolean: [defaultField("boolean")],
  choice: [
    { word: "options", key: "options", type: { is: "names" }, doc: "what to choose from", isRequired: true },
    defaultField("text"),
  ],
};

/** The fields of a parameter, or of an entry of a form: they depend on its type. */
export function parameterFields(written: unknown): readonly Field[] {
  const type =
    typeof written === "object" && written !== null && "type" in written ? String(written.type) : "";
  const extras = Object.hasOwn(parameterExtras, type) ? parameterExtras[type] : undefined;
  return [...parameterBase, ...(extras ?? Object.values(parameterExtras).flat())];
}

export const TARGET_FIELDS: readonly Field[] = [
  { word: "pool", key: "pool", type: { is: "text" }, doc: "a pool by name" },
  { word: "labels", key: "labels", type: { is: "texts" }, doc: "labels that all have to match" },
];

export const BLOCK_TARGET_FIELDS: readonly Field[] = [
  ...TARGET_FIELDS,
  {
    word: "mode",
    key: "mode",
    type: { is: "choice", options: ["one", "all", "rolling"] },
    doc: "`one`: on any agent that matches (when absent); `all`: on each of them at once; `rolling`: on each of them, a batch at a time",
  },
  {
    word: "batch",
    key: "batch",
    type: { is: "number" },
    doc: "with `rolling`, how many at a time; 1 when absent",
  },
  {
    word: "max-failures",
    key: "maxFailures",
    type: { is: "number" },
    doc: "with `all` and `rolling`, how many may fail before no further one begins; 0 when absent",
  },
  {
    word: "pause",
    key: "pauseMs",
    type: { is: "duration" },
    doc: "with `rolling`, how long to wait between one batch and the next",
  },
  {
    word: "when-none",
    key: "whenNone",
    type: { is: "choice", options: ["wait", "fail"] },
    doc: "what to do while no agent matches; `wait` when absent",
  },
  {
    word: "wait",
    key: "waitMs",
    type: { is: "duration" },
    doc: "how long to wait for an agent; `1h` when absent",
  },
];

export const RETRY_FIELDS: readonly Field[] = [
  {
    word: "max-attempts",
    key: "maxAttempts",
    type: { is: "number" },
    doc: "how often it is tried in all, 2 to 20",
    isRequired: true,
  },
  {
    word: "delay",
    key: "delayMs",
    type: { is: "duration" },
    doc: "the pause before the second attempt; `1s` when absent",
  },
  {
    word: "factor",
    key: "factor",
    type: { is: "number" },
    doc: "how much longer each further pause is; 2 when absent",
  },
  {
    word: "max-delay",
    key: "maxDelayMs",
    type: { is: "duration" },
    doc: "the longest pause; `5m` when absent",
  },
  {
    word: "on",
    key: "on",
    type: { is: "names" },
    doc: `after which ends: a list of ${RETRY_ON.map((each) => `\`${each}\``).join(", ")}; the first two when absent, and the last only with \`idempotent\``,
  },
];

export const LOCK_FIELDS: readonly Field[] = [
  {
    word: "name",
    key: "name",
    type: { is: "text" },
    doc: "what it is called in the whole organization",
    isRequired: true,
  },
  {
    word: "mode",
    key: "mode",
    type: { is: "choice", options: ["shared", "exclusive"] },
    doc: "`exclusive` (when absent): nobody else has it meanwhile; `shared`: only others that share it",
  },
];

export const APPROVER_FIELDS: readonly Field[] = [
  { word: "people", key: "people", type: { is: "names" }, doc: "addresses or ids of people" },
  { word: "roles", key: "roles", type: { is: "names" }, doc: "names of roles" },
];

export const locksField: Field = {
  word: "locks",
  key: "locks",
  type: { is: "group", fields: () => LOCK_FIELDS, isList: true, short: { type: "string", key: "name" } },
  doc: "locks that are held meanwhile",
};

export const FRONT_MATTER_FIELDS: readonly Field[] = [
  { word: "title", key: "title", type: { is: "text" }, doc: "the title; the first heading when absent" },
  { word: "description", key: "description", type: { is: "text" }, doc: "what it is for, in a few words" },
  {
    word: "parameters",
    key: "parameters",
    type: { is: "group", fields: parameterFields, isList: true },
    doc: "what is asked for when it is started",
  },
  {
    word: "target",
    key: "target",
    type: { is: "group", fields: () => TARGET_FIELDS, isList: false },
    doc: "which agents may run it",
  },
  {
    word: "timeout",
    key: "timeoutMs",
    type: { is: "duration" },
    doc: "when the whole execution is stopped, up to `30d`",
  },
  locksField,
];
