/**
 * What the soak has agents do: procedures whose every byte of output is known
 * beforehand, so that what is stored can be compared with what was printed.
 */
import { stringify } from "yaml";
import type { Random } from "../simulation/random.ts";
import { exchangeWith } from "./endpoint.ts";

/** One attempt, and the key under which its execution was asked for. */
export interface Who {
  execution: string;
  step: string;
  attempt: number;
  key: string;
}

/** What is known of a block before it runs. */
export interface Expected {
  /** All of its stdout, as it has to be stored when it ended by itself. */
  stdout(who: Who): string;
  /** What it may have printed instead when it did not. */
  unheard?: string;
  /** May run more than once. */
  repeatable: boolean;
}

/** How the refusal of a step has to read: its code, and words that name the rule. */
export interface Refusal {
  code: string;
  words: string;
}

export interface Work {
  name: string;
  source: string;
  /** By the names of its blocks. */
  blocks: Readonly<Record<string, Expected>>;
  /** How often it is started, compared with others. */
  share: number;
  /** Every host refuses it, and this is why. */
  refusal?: Refusal;
  /** No author has signed it. */
  unsigned?: true;
}

interface Script {
  lines: number;
  /** Seconds between the first half of the lines and the second. */
  pause: number;
  /** May run again, and has to: its first attempt ends badly. */
  failsOnce?: boolean;
  /** Every line ends with a secret, and between the halves it stands in other forms. */
  secret?: boolean;
}

/** Where scripts note that they were started, and where requests go. */
export interface Places {
  notes: string;
  url: string;
}

/** Agents carry a label with the number of their rack. */
export const RACKS = 5;

/** Every line names its execution, step and attempt, so that none can stand in for another. */
const LINE = "$FARHAND_EXECUTION_ID $FARHAND_STEP $FARHAND_ATTEMPT";

const SECRETS = { DB: "db-password", TOKEN: "api-token", DB_FILE: { name: "db-password", as: "file" } };

const FORMS = [
  `printf %s "$DB" | base64 -w 0; echo`,
  `printf %s "$TOKEN" | od -An -v -tx1 | tr -d ' \\n'; echo`,
  `printf '%q\\n' "$TOKEN"; cat "$DB_FILE"`,
  `printf '%s\\n' "$TOKEN" >&2`,
];
const FORMS_SHOWN = ["db-password", "api-token", "api-token", "db-password"].map(
  (name) => `[secret:${name}]\n`,
);

/** What a script prints, without secrets. */
export function printed({ lines, secret }: Script, { execution, step, attempt }: Who): string {
  const mark = secret ? " [secret:db-password]" : "";
  const all = Array.from({ length: lines }, (_, at) => `${execution} ${step} ${attempt} ${at + 1}${mark}\n`);
  if (secret) all.splice(Math.ceil(lines / 2), 0, ...FORMS_SHOWN);
  return all.join("");
}

/** Each start appends one line to `notes`, in a single write, and syncs it: what really ran, whatever anybody reports. */
function scriptOf({ lines, pause, failsOnce, secret }: Script, notes: string): string {
  const half = Math.ceil(lines / 2);
  const format = `"${LINE} %.0f${secret ? " $DB" : ""}"`;
  return [
    `printf '%s\\n' "${LINE}" >> '${notes}'; sync '${notes}'`,
    `seq -f ${format} 1 ${half}`,
    ...(secret ? FORMS : []),
    `sleep ${pause}`,
    `seq -f ${format} ${half + 1} ${lines}`,
    ...(failsOnce ? ['[ "$FARHAND_ATTEMPT" -gt 1 ]'] : []),
  ].join("\n");
}

const FRONT = stringify({ parameters: [{ name: "key", type: "string" }] });

function sourceOf(title: string, blocks: readonly object[]): string {
  const fences = blocks.map((block) => `\`\`\`farhand\n${stringify(block)}\`\`\`\n`);
  return `---\n${FRONT}---\n\n# ${title}\n\n${fences.join("\n")}`;
}

/** The procedures of a soak, which every host lets in, and some that none does. */
export function procedures(random: Random, places: Places): Work[] {
  const few = (pause: number): Script => ({ lines: 2 + random.int(200), pause });
  return [
    work("one short step", 2, { only: few(0) }, places),
    work("one step that lasts", 5, { slow: few(20) }, places),
    work("five steps", 2, { a: few(0), b: few(0.2), c: few(3), d: few(0.2), e: few(0) }, places),
    work("much output", 1, { much: { lines: 120_000, pause: 1 } }, places),
    work("tried again", 2, { again: { ...few(3), failsOnce: true } }, places),
    work("side by side", 2, { left: few(1), right: few(8) }, places, (blocks) => [
      { kind: "parallel", name: "both", branches: blocks.map((block) => [block]) },
    ]),
    work("on a rack of agents", 2, { each: few(5) }, places, (blocks) => [
      {
        ...{ kind: "foreach", name: "rack", "max-failures": 100, blocks },
        target: { labels: { rack: String(random.int(RACKS)) }, mode: "all" },
      },
    ]),
    work("secrets", 3, { tells: { ...few(3), secret: true } }, places),
    work("many secrets", 1, { leaks: { lines: 20_000, pause: 1, secret: true } }, places),
    requests(places),
    ...refused(places),
  ];
}

function work(
  name: string,
  share: number,
  scripts: Record<string, Script>,
  { notes }: Places,
  around = (blocks: object[]) => blocks,
): Work {
  const commands = Object.entries(scripts).map(([block, script]) => ({
    ...{ kind: "command", name: block, timeout: "90s", script: scriptOf(script, notes) },
    ...(script.failsOnce && { idempotent: true, retry: 5 }),
    ...(script.secret && { secrets: SECRETS }),
  }));
  const expected = Object.entries(scripts).map(([block, script]): [string, Expected] => [
    block,
    { stdout: (who) => printed(script, who), repeatable: script.failsOnce ?? false },
  ]);
  const source = sourceOf(`Soak: ${name}`, around(commands));
  return { name, share, source, blocks: Object.fromEntries(expected) };
}

/** A request that may be sent once only. */
function requests({ url }: Places): Work {
  const block = {
    ...{ kind: "api", name: "ask", method: "POST", url, timeout: "90s" },
    headers: { authorization: { secret: "api-token", prefix: "Bearer " } },
    body: { expr: "params.key" },
  };
  const ask: Expected = {
    stdout: ({ key }) => exchangeWith(url, key).whole,
    unheard: exchangeWith(url, "").unheard,
    repeatable: false,
  };
  return { name: "a request", share: 3, source: sourceOf("Soak: a request", [block]), blocks: { ask } };
}

/** Where the policy of every host is in the way. Should one of them run, it would be noted. */
function refused({ notes, url }: Places): Work[] {
  const script = scriptOf({ lines: 1, pause: 0 }, notes);
  const command = { kind: "command", name: "only", script };
  const ask = { kind: "api", name: "only", method: "POST", body: { expr: "params.key" } };
  const only: Expected = { stdout: () => "", repeatable: false };
  const why = (name: string, title: string, block: object, words: string, code = "policy"): Work => {
    const source = sourceOf(title, [block]);
    return { name, share: 0.25, source, blocks: { only }, refusal: { code, words } };
  };
  const elsewhere = url.replace("127.0.0.1", "localhost");
  return [
    why("a script", "Soak: a script", { ...command, script: `${script}\n# forbidden-word` }, "scripts.deny"),
    why("an interpreter", "Soak: an interpreter", { ...command, interpreter: "sh" }, "interpreters"),
    why("a time", "Soak: a time", { ...command, timeout: "6m" }, "limits.timeout"),
    why("a secret", "Somebody else's", { ...command, secrets: { DB: "db-password" } }, "secrets"),
    why("a host", "Soak: a host", { ...ask, url: elsewhere }, "hosts.allow"),
    {
      ...why("unsigned", "Soak: unsigned", command, "no signature of its author", "signature_required"),
      unsigned: true,
    },
  ];
}
