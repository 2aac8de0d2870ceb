/**
 * What the soak has agents do: procedures whose every byte of output is known
 * beforehand, so that what is stored can be compared with what was printed.
 */
import { stringify } from "yaml";
import type { Random } from "../simulation/random.ts";

export interface Work {
  name: string;
  source: string;
  /** How many lines each of its blocks prints, by name. */
  lines: Readonly<Record<string, number>>;
  /** Names of the blocks that may run more than once. */
  repeatable: readonly string[];
}

interface Script {
  lines: number;
  /** Seconds between the first half of the lines and the second. */
  pause: number;
  /** May run again, and has to: its first attempt ends badly. */
  failsOnce?: boolean;
}

/** Every line names its execution, step and attempt, so that none can stand in for another. */
const LINE = "$FARHAND_EXECUTION_ID $FARHAND_STEP $FARHAND_ATTEMPT";

/** The first `bytes` bytes of what one attempt prints. */
export function printed(execution: string, step: string, attempt: number, bytes: number): string {
  const parts: string[] = [];
  let length = 0;
  for (let line = 1; length < bytes; line++) {
    const text = `${execution} ${step} ${attempt} ${line}\n`;
    parts.push(text);
    length += text.length;
  }
  return parts.join("").slice(0, bytes);
}

/** Each start appends one line to `notes`, in a single write, and syncs it: what really ran, whatever anybody reports. */
function scriptOf({ lines, pause, failsOnce }: Script, notes: string): string {
  const half = Math.ceil(lines / 2);
  return [
    `printf '%s\\n' "${LINE}" >> '${notes}'; sync '${notes}'`,
    `seq -f "${LINE} %.0f" 1 ${half}`,
    `sleep ${pause}`,
    `seq -f "${LINE} %.0f" ${half + 1} ${lines}`,
    ...(failsOnce ? ['[ "$FARHAND_ATTEMPT" -gt 1 ]'] : []),
  ].join("\n");
}

/** The procedures of a soak. `notes` is the file in which scripts note that they were started. */
export function procedures(random: Random, notes: string): Work[] {
  const few = (pause: number): Script => ({ lines: 2 + random.int(200), pause });
  const command = (name: string, script: Script) => ({
    ...{ kind: "command", name, timeout: "60s", script: scriptOf(script, notes) },
    ...(script.failsOnce && { idempotent: true, retry: 5 }),
  });
  const work = (name: string, scripts: Record<string, Script>, around = inARow): Work => {
    const commands = Object.entries(scripts).map(([block, script]) => command(block, script));
    const fences = around(commands).map((block) => `\`\`\`farhand\n${stringify(block)}\`\`\`\n`);
    const lines = Object.fromEntries(Object.entries(scripts).map(([block, script]) => [block, script.lines]));
    const repeatable = Object.keys(scripts).filter((block) => scripts[block]?.failsOnce);
    return { name, source: `# Soak: ${name}\n\n${fences.join("\n")}`, lines, repeatable };
  };
  const onARack = (blocks: object[]) => [
    {
      ...{ kind: "foreach", name: "rack", "max-failures": 100, blocks },
      target: { labels: { rack: String(random.int(RACKS)) }, mode: "all" },
    },
  ];
  return [
    work("one short step", { only: few(0) }),
    work("one step that lasts", { slow: few(8) }),
    work("five steps", { a: few(0), b: few(0.2), c: few(0), d: few(0.2), e: few(0) }),
    work("much output", { much: { lines: 40_000, pause: 1 } }),
    work("tried again", { again: { ...few(0.5), failsOnce: true } }),
    work("side by side", { left: few(1), right: few(2) }, (blocks) => [
      { kind: "parallel", name: "both", branches: blocks.map((block) => [block]) },
    ]),
    work("on a rack of agents", { each: few(1) }, onARack),
  ];
}

/** Agents carry a label with the number of their rack. */
export const RACKS = 5;

const inARow = (blocks: object[]): object[] => blocks;
