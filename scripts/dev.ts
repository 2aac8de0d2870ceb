/** `npm run dev`: the worker built again at every change, the web app with hot reload in front of it. */
import { watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createServer } from "vite";
import { type LocalOptions, readLocalOptions } from "./lib/arguments.ts";
import { buildParts, bundleWorker } from "./lib/build.ts";
import { runCommand, wordsOf } from "./lib/command.ts";
import { type ControlPlane, startControlPlane } from "./lib/controlPlane.ts";
import { openDataFolder } from "./lib/dataFolder.ts";
import { openDemo } from "./lib/demo.ts";
import { startLocalAgent } from "./lib/localAgent.ts";
import { localRelease } from "./lib/localRelease.ts";
import { ROOT } from "./lib/paths.ts";
import { EXIT } from "./lib/problem.ts";
import { Shutdown } from "./lib/shutdown.ts";
import { during, paint, say } from "./lib/terminal.ts";

/** Editors write in bursts. */
const SETTLE_MS = 100;

await runCommand(async () => {
  const options = readLocalOptions("dev", process.argv.slice(2));
  if (!options) return EXIT.ok;
  const shutdown = new Shutdown();
  try {
    return await develop(options, shutdown);
  } catch (error) {
    if (!shutdown.asked) throw error;
    return EXIT.stopped;
  } finally {
    await shutdown.run();
  }
});

async function develop(options: LocalOptions, shutdown: Shutdown): Promise<number> {
  const folder = await openDataFolder(options.data);
  shutdown.add(() => folder.release());
  const { path: dataDir, authSecret } = folder;
  await buildParts(["agent", "worker"]);
  const release = await localRelease(dataDir);
  const plane = await during("Starting the control plane", () =>
    startControlPlane({ dataDir, authSecret, port: options.port, ...release }),
  );
  shutdown.add(() => plane.stop());
  const demo = await openDemo(plane.url, dataDir);
  await during("Starting an agent", () => startLocalAgent(plane, demo, dataDir, shutdown));
  const web = await serveWebApp(plane, shutdown);
  say(`\n  Web app   ${paint(["cyan", "underline"], web)}`);
  say(`  Log in    ${demo.record.email}  ${demo.record.password}`);
  say(`  Logs      ${plane.logFile}\n`);
  await rebuildOnChange(plane, shutdown.signal);
  return EXIT.ok;
}

/** Answers with the address of the development server. */
async function serveWebApp(plane: ControlPlane, shutdown: Shutdown): Promise<string> {
  process.env.FARHAND_API = String(plane.port);
  const server = await createServer({ configFile: join(ROOT, "web/vite.config.ts"), clearScreen: false });
  shutdown.add(() => server.close());
  await server.listen();
  return server.resolvedUrls?.local[0] ?? "";
}

/** Builds and loads the worker after changes, one build at a time, until the signal. */
async function rebuildOnChange(plane: ControlPlane, signal: AbortSignal): Promise<void> {
  let changed = Promise.withResolvers<void>();
  for (const folder of ["worker", "protocol"]) {
    watch(join(ROOT, folder), { recursive: true, signal }, (_event, name) => {
      if (!name?.endsWith(".test.ts")) changed.resolve();
    });
  }
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  while (!signal.aborted) {
    await Promise.race([changed.promise, stopped]);
    if (signal.aborted) return;
    await wait(SETTLE_MS);
    changed = Promise.withResolvers<void>();
    await during("Loading the worker again", async () => {
      await bundleWorker();
      await plane.reload();
    }).catch((error: unknown) => say(wordsOf(error)));
  }
}
