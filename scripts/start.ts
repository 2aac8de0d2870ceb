/** `npm start`: everything on this machine, with a demo that runs. */
import { execa } from "execa";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import type { AgentProcess } from "./lib/agentProcess.ts";
import { type LocalOptions, readLocalOptions } from "./lib/arguments.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";
import { type ControlPlane, startControlPlane } from "./lib/controlPlane.ts";
import { openDataFolder } from "./lib/dataFolder.ts";
import { type Demo, openDemo, sampleRunbook } from "./lib/demo.ts";
import { runAndFollow } from "./lib/follow.ts";
import { startLocalAgent } from "./lib/localAgent.ts";
import { localRelease } from "./lib/localRelease.ts";
import { EXIT, Problem } from "./lib/problem.ts";
import { Shutdown } from "./lib/shutdown.ts";
import { during, paint, say } from "./lib/terminal.ts";

await runCommand(async () => {
  const options = readLocalOptions("start", process.argv.slice(2));
  if (!options) return EXIT.ok;
  const shutdown = new Shutdown();
  try {
    return await start(options, shutdown);
  } catch (error) {
    // What breaks because we are stopping is no failure of its own.
    if (!shutdown.asked) throw error;
    return EXIT.stopped;
  } finally {
    await shutdown.run();
  }
});

async function start(options: LocalOptions, shutdown: Shutdown): Promise<number> {
  say(`\n${paint("bold", "Farhand")} ${paint("dim", "remote hands for your runbooks")}\n`);
  await requireBash();
  const folder = await openDataFolder(options.data);
  shutdown.add(() => folder.release());
  await buildParts();
  shutdown.throwIfAsked();
  const { path: dataDir, authSecret } = folder;
  const release = await localRelease(dataDir);
  const plane = await during(
    "Starting the control plane",
    () => startControlPlane({ dataDir, authSecret, port: options.port, ...release }),
    ({ migrated }) => (migrated.length > 0 ? "database made" : undefined),
  );
  shutdown.add(() => plane.stop());
  const demo = await openDemo(plane.url, dataDir);
  const agent = await during("Starting an agent", () => startLocalAgent(plane, demo, dataDir, shutdown));
  const { executionId, state } = await runSample(demo, shutdown.signal);
  const mark = state === "succeeded" ? paint("green", "✓") : paint("red", "✗");
  say(`\n${mark} The execution ${state === "succeeded" ? "succeeded" : `ended as ${state}`}.`);
  if (options.once) return state === "succeeded" ? EXIT.ok : EXIT.failed;
  announce(plane, demo, dataDir, executionId);
  return serve(plane, agent, shutdown);
}

/** Until somebody says stop, or something that should run does not. */
async function serve(plane: ControlPlane, agent: AgentProcess, shutdown: Shutdown): Promise<number> {
  void agent.ended.then((code) => {
    if (shutdown.asked) return;
    say(`\n${paint("yellow", "!")} The agent ended (${code ?? "killed"}):\n${agent.lastWords()}`);
  });
  const cause = await Promise.race([shutdown.requested, plane.ended.then(() => "ended" as const)]);
  if (cause === "ended") throw new Problem(`The control plane ended by itself; its log is ${plane.logFile}`);
  say("\nStopping.");
  return EXIT.ok;
}

async function runSample(demo: Demo, signal: AbortSignal) {
  const runbookId = await sampleRunbook(demo);
  const runbook = await demo.client.call(runbookSchema, "GET", `/runbooks/${runbookId}`);
  const titles = new Map<string, string>();
  for (const block of runbook.version.document.blocks) {
    if (block.kind === "command") titles.set(block.id, block.title ?? block.id);
  }
  say(`\n${paint("cyan", "▶")} ${paint("bold", runbook.title)}`);
  return runAndFollow(demo.client, runbookId, titles, signal);
}

function announce(plane: ControlPlane, demo: Demo, dataDir: string, executionId: string): void {
  const row = (name: string, value: string) => say(`  ${paint("dim", name.padEnd(10))}${value}`);
  say();
  row("Web app", paint(["cyan", "underline"], plane.url));
  row("This run", `${plane.url}/executions/${executionId}`);
  row("Email", demo.record.email);
  row("Password", demo.record.password);
  row("API", `${plane.url}/docs`);
  row("Data", dataDir);
  say(`\n${paint("dim", "Ctrl-C stops everything.")}`);
}

/** The sample runbook is written for it. */
async function requireBash(): Promise<void> {
  const { failed } = await execa("bash", ["-c", ":"], { reject: false });
  if (failed)
    throw new Problem("bash is missing, and the sample runbook needs it. Install bash.", EXIT.missingTool);
}
