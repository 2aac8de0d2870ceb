/** `npm run test:install`: the installer on a clean Debian with a systemd of its own, from the first line to the last trace. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecks } from "../test/install/check.ts";
import { checks } from "../test/install/checks.ts";
import { CONTAINER_TOOLS, Container } from "../test/install/container.ts";
import { requireTools } from "../test/install/debian.ts";
import { Scene } from "../test/install/scene.ts";
import { mayBegin } from "./lib/arguments.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";
import { EXIT } from "./lib/problem.ts";
import { Shutdown } from "./lib/shutdown.ts";
import { during } from "./lib/terminal.ts";

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
  await requireTools(CONTAINER_TOOLS);
  await buildParts(["worker"]);
  const folder = await mkdtemp(join(tmpdir(), "farhand-install-"));
  shutdown.add(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const scene = await during("Starting a control plane and a clean Debian", () =>
    Scene.open(folder, shutdown, () => Container.make(CACHE, folder)),
  );
  await during("Making a release", () => scene.release("1.0.0"));
  return runChecks(checks, scene, { inventory: [], agentId: "", pid: "" }, shutdown);
}
