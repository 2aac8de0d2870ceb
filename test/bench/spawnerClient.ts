/** Holds the small process that starts others, and tells it what to start. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import { Problem } from "../../scripts/lib/problem.ts";
import { plainScript } from "./plainScript.ts";

const reportSchema = z.object({
  id: z.number(),
  totalMs: z.number(),
  firstByteMs: z.number(),
  bytes: z.number(),
  sha256: z.string(),
  failed: z.number(),
});
export type SpawnReport = z.infer<typeof reportSchema>;

export interface SpawnOrder {
  /** How often; once when absent. */
  count?: number;
  /** How many at the same time; one after the other when absent. */
  inFlight?: number;
}

export class Spawner {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #waiting = new Map<number, (report: SpawnReport) => void>();
  #orders = 0;

  constructor(folder: string) {
    const script = plainScript("spawner", folder);
    this.#child = spawn(process.execPath, [script], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#ended = once(this.#child, "exit");
    this.#child.on("message", (message) => {
      const report = reportSchema.parse(message);
      this.#waiting.get(report.id)?.(report);
      this.#waiting.delete(report.id);
    });
  }

  /** Starts the command, reads its output to the end, and says how long that took. @throws Problem when it fails */
  async run(argv: readonly string[], { count = 1, inFlight = 1 }: SpawnOrder = {}): Promise<SpawnReport> {
    const [program, ...args] = argv;
    const id = ++this.#orders;
    const answer = new Promise<SpawnReport>((resolve) => this.#waiting.set(id, resolve));
    this.#child.send({ id, program, args, count, inFlight });
    const report = await answer;
    if (report.failed > 0)
      throw new Problem(`${report.failed} of ${count} runs of ${argv.join(" ")} failed.`);
    return report;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGTERM");
    await this.#ended;
  }
}
