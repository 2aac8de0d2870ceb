/** What has to hold on a machine with the agent on it, tried one after the other. */
import { wordsOf } from "../../scripts/lib/command.ts";
import { EXIT } from "../../scripts/lib/problem.ts";
import type { Shutdown } from "../../scripts/lib/shutdown.ts";
import { elapsed, paint, say } from "../../scripts/lib/terminal.ts";
import type { Machine } from "./machine.ts";
import type { Scene } from "./scene.ts";

/** `Memory` is what later checks compare with. */
export interface Check<M extends Machine, Memory> {
  name: string;
  /** Returns a few words for the reader, if there is something to tell. */
  run(scene: Scene<M>, memory: Memory): Promise<string | undefined>;
}

/** Runs all of them and says how each went. @returns the exit code of the command */
export async function runChecks<M extends Machine, Memory>(
  checks: readonly Check<M, Memory>[],
  scene: Scene<M>,
  memory: Memory,
  shutdown: Shutdown,
): Promise<number> {
  let failed = 0;
  for (const { name, run } of checks) {
    if (shutdown.asked) return EXIT.stopped;
    const started = performance.now();
    try {
      const words = await run(scene, memory);
      const took = [words, elapsed(performance.now() - started)].filter(Boolean).join(", ");
      say(`${paint("green", "ok")}    ${name} ${paint("dim", took)}`);
    } catch (error) {
      failed += 1;
      say(`${paint("red", "failed")} ${name}\n${wordsOf(error)}`);
    }
  }
  say(`\n${checks.length - failed} passed, ${failed} failed`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
}
