/** `npm run test:kernel`: the agent's limits on a kernel whose cgroups (v2) have controllers, in a virtual machine. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecks } from "../test/install/check.ts";
import { requireTools } from "../test/install/debian.ts";
import { Scene } from "../test/install/scene.ts";
import { checks } from "../test/kernel/checks.ts";
import { VIRTUAL_MACHINE_TOOLS, VirtualMachine } from "../test/kernel/virtualMachine.ts";
import { mayBegin } from "./lib/arguments.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";
import { EXIT } from "./lib/problem.ts";
import { Shutdown } from "./lib/shutdown.ts";
import { during } from "./lib/terminal.ts";

const CACHE = process.env.FARHAND_INSTALL_CACHE ?? join(tmpdir(), "farhand-debian");

await runCommand(async () => {
  if (!mayBegin("test-kernel", process.argv.slice(2))) return EXIT.ok;
  const shutdown = new Shutdown();
  try {
    return await test(shutdown);
  } finally {
    await shutdown.run();
  }
});

async function test(shutdown: Shutdown): Promise<number> {
  await requireTools(VIRTUAL_MACHINE_TOOLS);
  await buildParts(["worker"]);
  const folder = await mkdtemp(join(tmpdir(), "farhand-kernel-"));
  shutdown.add(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const scene = await during("Starting a control plane and a Debian with a kernel of its own", () =>
    Scene.open(folder, shutdown, ({ port }) => VirtualMachine.make(CACHE, folder, port)),
  );
  await during("Making a release", () => scene.smallRelease("1.0.0"));
  return runChecks(checks, scene, undefined, shutdown);
}
