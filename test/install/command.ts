/** A test on a machine that is made for it, from its command line to its exit code. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mayBegin } from "../../scripts/lib/arguments.ts";
import { buildParts } from "../../scripts/lib/build.ts";
import { runCommand } from "../../scripts/lib/command.ts";
import { EXIT } from "../../scripts/lib/problem.ts";
import { Shutdown } from "../../scripts/lib/shutdown.ts";
import { requireTools } from "./debian.ts";

const CACHE = process.env.FARHAND_INSTALL_CACHE ?? join(tmpdir(), "farhand-debian");

export interface Workshop {
  /** Keeps what machines are made of for the next time. */
  cache: string;
  /** Gone after the test. */
  folder: string;
  /** Stops whatever is started. */
  shutdown: Shutdown;
}

/**
 * @param tools the Debian package of each that the machine takes
 * @param test returns the exit code
 */
export async function testOnMachine(
  command: "test-install" | "test-kernel",
  tools: Record<string, string>,
  test: (workshop: Workshop) => Promise<number>,
): Promise<void> {
  await runCommand(async () => {
    if (!mayBegin(command, process.argv.slice(2))) return EXIT.ok;
    const shutdown = new Shutdown();
    try {
      await requireTools(tools);
      await buildParts(["worker"]);
      const folder = await mkdtemp(join(tmpdir(), `farhand-${command}-`));
      shutdown.add(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
      return await test({ cache: CACHE, folder, shutdown });
    } finally {
      await shutdown.run();
    }
  });
}
