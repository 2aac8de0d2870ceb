/** `npm run test:install`: the installer on a clean Debian with a systemd of its own, from the first line to the last trace. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checks, type Memory } from "../test/install/checks.ts";
import { requireTools } from "../test/install/machine.ts";
import { Scene } from "../test/install/scene.ts";
import { mayBegin } from "./lib/arguments.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand, wordsOf } from "./lib/command.ts";
import { EXIT } from "./lib/problem.ts";
import { Shutdown } from "./lib/shutdown.ts";
import { during, elapsed, paint, say } from "./lib/terminal.ts";

const CACHE = process.env.FARHAND_INSTALL_CACHE ?? join(tmpdir(), "farhand-debian");

await runCommand(async () => {
  if (!mayBegin("test-install", process.argv.slice(2))) return EXIT.ok;
  const shutdown = new Shutdown();
  try {
    return await test(shutdown);
  } finally {
    await shutdown.run();
  }
});

async function test(shutdown: Shutdown): Promise<number> {
  await requireTools();
  await buildParts(["worker"]);
  const folder = await mkdtemp(join(tmpdir(), "farhand-install-"));
  shutdown.add(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const scene = await during("Starting a control plane and a clean Debian", () =>
    Scene.open(CACHE, folder, shutdown),
  );
  await during("Making a release", () => scene.release("1.0.0"));
  const memory: Memory = { inventory: [], agentId: "", pid: "" };
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
