/** `npm start`: everything on this machine, with a demo that runs. */
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { type AgentProcess, enrollAgent, runAgent } from "./lib/agentProcess.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";
import { type ControlPlane, startControlPlane } from "./lib/controlPlane.ts";
import { openDataFolder } from "./lib/dataFolder.ts";
import { connectedAgent, type Demo, joinToken, openDemo, revokeAgents, sampleRunbook } from "./lib/demo.ts";
import { runAndFollow } from "./lib/follow.ts";
import { DEFAULT_DATA } from "./lib/paths.ts";
import { EXIT, Problem } from "./lib/problem.ts";
import { Shutdown } from "./lib/shutdown.ts";
import { during, paint, say } from "./lib/terminal.ts";

const HELP = `npm start -- [--port N] [--data DIR] [--once]

Starts Farhand on this machine: the control plane on local workerd, a demo
organization, and an agent that runs a sample runbook.

  --port N     where the web app and the API listen (default 8787)
  --data DIR   where everything is kept (default .farhand)
  --once       stop after the run
  --help       this text

Exit codes: 0 all well (with --once: the execution succeeded), 1 something
failed, 2 wrong usage, 3 port in use, 4 data folder not usable, 5 a tool is
missing.
`;

const AGENT_NAME = "demo-agent";
const AGENT_CONNECT_MS = 30_000;

interface Options {
  port: number;
  data: string;
  once: boolean;
}

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2));
  if (!options) return EXIT.ok;
  const shutdown = new Shutdown();
  try {
    return await start(options, shutdown);
  } catch (error) {
    // What breaks because we are stopping is no failure of its own.
    if (!shutdown.asked) throw error;
    return 130;
  } finally {
    await shutdown.run();
  }
});

async function start(options: Options, shutdown: Shutdown): Promise<number> {
  say(`\n${paint("bold", "Farhand")} ${paint("dim", "remote hands for your runbooks")}\n`);
  await requireBash();
  const folder = await openDataFolder(options.data);
  shutdown.add(() => folder.release());
  await buildParts();
  shutdown.throwIfAsked();
  const { path: dataDir, authSecret } = folder;
  const plane = await during(
    "Starting the control plane",
    () => startControlPlane({ dataDir, authSecret, port: options.port }),
    ({ migrated }) => (migrated.length > 0 ? `${migrated.length} migrations` : undefined),
  );
  shutdown.add(() => plane.stop());
  const demo = await openDemo(plane.url, dataDir);
  shutdown.throwIfAsked();
  const agent = await during("Starting an agent", () => startAgent(plane, demo, dataDir, shutdown));
  const runbookId = await sampleRunbook(demo);
  const state = await runSample(demo, runbookId, shutdown.signal);
  const mark = state === "succeeded" ? paint("green", "✓") : paint("red", "✗");
  say(`\n${mark} The execution ${state === "succeeded" ? "succeeded" : `ended as ${state}`}.`);
  if (options.once) return state === "succeeded" ? EXIT.ok : EXIT.failed;
  announce(plane, demo, dataDir);
  return serve(plane, agent, shutdown);
}

/** Until somebody says stop, or something that should run does not. */
async function serve(plane: ControlPlane, agent: AgentProcess, shutdown: Shutdown): Promise<number> {
  void agent.ended.then((code) => {
    if (!shutdown.asked)
      say(`\n${paint("yellow", "!")} The agent ended (${code ?? "killed"}):\n${agent.lastWords()}`);
  });
  const cause = await Promise.race([shutdown.requested, plane.ended.then(() => "ended" as const)]);
  if (cause === "ended") throw new Problem(`The control plane ended by itself; its log is ${plane.logFile}`);
  return EXIT.ok;
}

async function startAgent(
  plane: ControlPlane,
  demo: Demo,
  dataDir: string,
  shutdown: Shutdown,
): Promise<AgentProcess> {
  const settings = { stateDir: join(dataDir, "agent"), logFile: join(dataDir, "logs", "agent.log") };
  if (demo.record.agentUrl !== plane.url) {
    await revokeAgents(demo, AGENT_NAME);
    const token = await joinToken(demo);
    await enrollAgent({ ...settings, url: plane.url, token, name: AGENT_NAME });
    await demo.save({ agentUrl: plane.url });
  }
  const agent = runAgent(settings);
  shutdown.add(() => agent.stop());
  await untilConnected(demo, agent, shutdown.signal);
  return agent;
}

async function untilConnected(demo: Demo, agent: AgentProcess, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + AGENT_CONNECT_MS;
  while (!(await connectedAgent(demo))) {
    signal.throwIfAborted();
    const gone = await Promise.race([agent.ended.then(() => true), wait(50, false)]);
    if (gone) throw new Problem(`The agent did not start:\n${agent.lastWords()}`);
    if (performance.now() > deadline) throw new Problem(`The agent did not connect:\n${agent.lastWords()}`);
  }
}

async function runSample(demo: Demo, runbookId: string, signal: AbortSignal) {
  const runbook = await demo.client.call(runbookSchema, "GET", `/runbooks/${runbookId}`);
  const titles = new Map<string, string>();
  for (const block of runbook.version.document.blocks) {
    if (block.kind === "command") titles.set(block.id, block.title ?? block.id);
  }
  say(`\n${paint("cyan", "▶")} ${paint("bold", runbook.title)}`);
  return runAndFollow(demo.client, runbookId, titles, signal);
}

function announce(plane: ControlPlane, demo: Demo, dataDir: string): void {
  const row = (name: string, value: string) => say(`  ${paint("dim", name.padEnd(10))}${value}`);
  say();
  row("Web app", paint(["cyan", "underline"], plane.url));
  row("Email", demo.record.email);
  row("Password", demo.record.password);
  row("API", `${plane.url}/docs`);
  row("Data", dataDir);
  say(`\n${paint("dim", "Ctrl-C stops everything.")}`);
}

function readOptions(args: string[]): Options | undefined {
  const { values } = readArguments(args);
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port < 1 || port > 65_535) {
    throw new Problem(`--port must be a number from 1 to 65535, not "${values.port}".`, EXIT.usage);
  }
  if (values.data === "") throw new Problem("--data must name a folder.", EXIT.usage);
  return { port, data: values.data, once: values.once };
}

function readArguments(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: "string", default: "8787" },
        data: { type: "string", default: DEFAULT_DATA },
        once: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : error}\n\n${HELP}`, EXIT.usage);
  }
}

/** The sample runbook is written for it. */
async function requireBash(): Promise<void> {
  const { failed } = await execa("bash", ["-c", ":"], { reject: false });
  if (failed)
    throw new Problem("bash is missing, and the sample runbook needs it. Install bash.", EXIT.missingTool);
}
