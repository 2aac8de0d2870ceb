/** Builds what runs: the worker's bundle, the web app and the agent's file. */
import { copyFile, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { hashInputs, isCurrent, stampBuild } from "./inputs.ts";
import { AGENT_ASSET, AGENT_FILE, CLI_FILE, ROOT, WEB_DIST, WORKER_DIST } from "./paths.ts";
import { during } from "./terminal.ts";

interface Part {
  label: string;
  /** Files and folders that decide what comes out, relative to the root. */
  inputs: readonly string[];
  output: string;
  build(): Promise<void>;
}

const SHARED = ["protocol", "package.json", "package-lock.json", "tsconfig.base.json"];

export const WORKER_BUNDLE = join(WORKER_DIST, "index.js");

const parts = {
  agent: {
    label: "Building the agent",
    inputs: [...SHARED, "agent"],
    output: AGENT_FILE,
    build: buildAgentFile,
  },
  cli: {
    label: "Building the command line",
    inputs: [...SHARED, "cli"],
    output: CLI_FILE,
    build: buildCliFile,
  },
  worker: {
    label: "Building the control plane",
    inputs: [...SHARED, "worker", "wrangler.toml"],
    output: WORKER_BUNDLE,
    build: () => bundleWorker(),
  },
  web: {
    label: "Building the web app",
    inputs: [...SHARED, "web"],
    output: join(WEB_DIST, "index.html"),
    build: buildWebApp,
  },
} as const satisfies Record<string, Part>;

export type PartName = keyof typeof parts;

/** Builds what changed since the last time, with a line for each part that did; the answer is which did. */
export async function buildParts(
  names: readonly PartName[] = ["agent", "cli", "worker", "web"],
): Promise<PartName[]> {
  const built: PartName[] = [];
  for (const name of names) {
    const part: Part = parts[name];
    const hash = await hashInputs(part.inputs);
    if (await isCurrent(name, hash, part.output)) continue;
    await during(part.label, part.build);
    await stampBuild(name, hash);
    built.push(name);
  }
  // The build of the web app empties its folder, so this is done whatever was built.
  if (names.includes("agent") && names.includes("web")) await publishAgent();
  return built;
}

/** The bundle that a deploy would upload; of another entry than wrangler.toml's where one is named. */
export async function bundleWorker(entry?: string, outDir = WORKER_DIST): Promise<void> {
  await mkdir(WEB_DIST, { recursive: true });
  await rm(outDir, { recursive: true, force: true });
  await execa("wrangler", ["deploy", ...(entry ? [entry] : []), "--dry-run", "--outdir", outDir], {
    cwd: ROOT,
    all: true,
    env: {
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_LOG_SANITIZE: "true",
      WRANGLER_WRITE_LOGS: "false",
      CI: "1",
    },
  });
}

async function buildWebApp(): Promise<void> {
  // Whoever builds: tests set NODE_ENV too, and would leave React's development build in its place.
  const env = { NODE_ENV: "production" };
  await execa("vite", ["build", "--config", "web/vite.config.ts"], { cwd: ROOT, all: true, env });
}

async function buildAgentFile(): Promise<void> {
  const { buildAgent } = await import("../../agent/build.ts");
  await buildAgent(AGENT_FILE);
}

async function buildCliFile(): Promise<void> {
  const { buildCli } = await import("../../cli/build.ts");
  await buildCli(CLI_FILE);
}

async function publishAgent(): Promise<void> {
  await mkdir(dirname(AGENT_ASSET), { recursive: true });
  await copyFile(AGENT_FILE, AGENT_ASSET);
}
