/** Where contestants meet: Farhand itself, and the other ways to run a command on this machine. */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Problem } from "../../scripts/lib/problem.ts";
import type { Shutdown } from "../../scripts/lib/shutdown.ts";
import { during, say } from "../../scripts/lib/terminal.ts";
import type { Run } from "./farhand.ts";
import { type Site, startSite } from "./site.ts";
import type { SpawnReport } from "./spawnerClient.ts";
import { Spawner } from "./spawnerClient.ts";
import { startSshd } from "./sshd.ts";

/** The other contestants: a process of one's own, and ssh in three ways. */
export const SHELLS = {
  spawn: "raw spawn",
  plain: "ssh",
  tuned: "ssh, curve25519",
  shared: "ssh, shared connection",
} as const;
export type ShellName = keyof typeof SHELLS;

/** Longer than what an ended execution still does beside: its lists, its index, its lease. */
const SETTLE_MS = 80;

export interface Arena extends Site {
  /** Its command line for a script of the shell; undefined where the contestant is not installed. */
  argv(name: ShellName, script: string): string[] | undefined;
  spawner: Spawner;
  shutdown: Shutdown;
}

/** Starts everything below `folder`, and has the shutdown stop it. */
export async function openArena(folder: string, shutdown: Shutdown): Promise<Arena> {
  mkdirSync(folder, { recursive: true });
  const site = await during("Starting the control plane and an agent", () =>
    startSite({ folder: join(folder, "site"), shutdown }),
  );
  shutdown.throwIfAsked();
  const spawner = new Spawner(folder);
  shutdown.add(() => spawner.stop());
  const sshd = await during("Starting a private sshd", startSshd);
  if (sshd) shutdown.add(() => sshd.stop());
  else say("  openssh-server is not installed here, so the rows beside ssh stay empty");
  const argv = (name: ShellName, script: string) =>
    name === "spawn" ? ["sh", "-c", script] : sshd?.argv(name, script);
  return { ...site, argv, spawner, shutdown };
}

/** Bytes that everybody who runs the same script has to deliver. */
export interface Expected {
  bytes: number;
  sha256: string;
}

export function expectText(text: string): Expected {
  return { bytes: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") };
}

/** @throws Problem when anything is missing, too much or different */
export function requireOutput(
  who: string,
  { bytes, sha256 }: Pick<Run | SpawnReport, "bytes" | "sha256">,
  expected: Expected,
): void {
  if (bytes === expected.bytes && sha256 === expected.sha256) return;
  throw new Problem(
    `${who} delivered ${bytes} bytes with SHA-256 ${sha256}; ${expected.bytes} with ${expected.sha256} were expected.`,
  );
}

/** Lets an ended execution come to rest, so that the next contestant has the machine to itself. */
export function settle(): Promise<void> {
  return wait(SETTLE_MS);
}

/** A runbook of one command. `attributes` as the runbook format writes them. */
export function oneCommand(interpreter: "sh" | "bash", script: string, attributes = ""): string {
  return `# Bench\n\n\`\`\`${interpreter} {name=step ${attributes}}\n${script}\n\`\`\`\n`;
}
