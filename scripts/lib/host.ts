/**
 * The control plane's own process: workerd behind Miniflare, with the bundle
 * that a deploy would upload and the bindings that wrangler.toml declares. It
 * takes orders over IPC and ends with whoever started it, however that ended.
 */
import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { type HostOptions, type HostReport, hostOrderSchema } from "./hostMessages.ts";
import { type Database, migrate } from "./migrate.ts";
import { WRANGLER_CONFIG } from "./paths.ts";

/** How often the control plane's clockwork runs; `wrangler.toml` says the same to the platform. */
const SCHEDULE_MS = 60_000;

let clockwork: ReturnType<typeof setInterval> | undefined;

let running: { miniflare: Miniflare; options: HostOptions; log: WriteStream } | undefined;

const guarded = new Set<number>();

// Orders are taken one after the other, in the order they came.
let turn: Promise<void> = Promise.resolve();
process.on("message", (message) => {
  const order = hostOrderSchema.parse(message);
  turn = turn.then(async () => {
    if (order.type === "start") await start(order.options);
    else if (order.type === "reload") await reload();
    else if (order.type === "publish") await publish();
    else if (order.type === "guard") guarded.add(order.pid);
    else await stop();
  });
});
process.on("disconnect", () => {
  for (const pid of guarded) terminate(pid);
  turn = turn.then(stop);
});

async function start(options: HostOptions): Promise<void> {
  try {
    await mkdir(dirname(options.logFile), { recursive: true });
    const log = createWriteStream(options.logFile, { flags: "a" });
    const miniflare = new Miniflare(miniflareOptions(options, log));
    running = { miniflare, options, log };
    await miniflare.ready;
    await putReleases(miniflare, options);
    const migrated = await migrate((await miniflare.getD1Database("DB")) as unknown as Database);
    if (migrated.ok) {
      clockwork = setInterval(() => void runSchedule(miniflare), SCHEDULE_MS);
      return report({ type: "ready", migrated: migrated.applied });
    }
    report({ type: "failed", reason: "newer_data", message: `unknown migration ${migrated.unknown}` });
  } catch (error) {
    report({ type: "failed", reason: "other", message: wordsOf(error) });
  }
  await stop();
}

async function reload(): Promise<void> {
  if (!running) return;
  try {
    await running.miniflare.setOptions(miniflareOptions(running.options, running.log));
    report({ type: "reloaded" });
  } catch (error) {
    report({ type: "failed", reason: "other", message: wordsOf(error) });
  }
}

async function publish(): Promise<void> {
  if (!running) return;
  try {
    await putReleases(running.miniflare, running.options);
    report({ type: "published" });
  } catch (error) {
    report({ type: "failed", reason: "other", message: wordsOf(error) });
  }
}

/** What a deploy uploads to the bucket of releases, put there as it is. */
async function putReleases(miniflare: Miniflare, { releases }: HostOptions): Promise<void> {
  if (releases === undefined) return;
  const bucket = await miniflare.getR2Bucket("RELEASES");
  const entries = await readdir(releases, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    await bucket.put(`releases/${relative(releases, path)}`, await readFile(path));
  }
}

/** What Cloudflare's cron triggers do, done here. A run that fails is made up for by the next. */
async function runSchedule(miniflare: Miniflare): Promise<void> {
  const worker = await miniflare.getWorker();
  await worker.scheduled({ cron: "* * * * *" }).catch(() => {});
}

async function stop(): Promise<void> {
  clearInterval(clockwork);
  await running?.miniflare.dispose();
  running?.log.end();
  running = undefined;
  process.exit();
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function terminate(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    // Already gone.
  }
}

function report(message: HostReport): void {
  process.send?.(message);
}

function miniflareOptions(options: HostOptions, log: WriteStream): MiniflareOptions {
  // The rules for modules are the bundler's; what is left after it is one module.
  const { modulesRules: _, ...bindings } = unstable_getMiniflareWorkerOptions(WRANGLER_CONFIG).workerOptions;
  const settings = {
    ...options.settings,
    AUTH_SECRET: options.authSecret,
    PUBLIC_URL: options.publicUrl,
  };
  return convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: options.port,
    // Nothing of the developer's machine or of the network outside is asked for.
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.NONE),
    resourcePersistencePath: join(options.dataDir, "storage"),
    handleStructuredLogs: ({ message }) => void log.write(`${message}\n`),
    workers: [
      {
        ...bindings,
        name: "farhand",
        bindings: settings,
        modules: true,
        modulesRoot: options.workerDir,
        scriptPath: join(options.workerDir, "index.js"),
      },
    ],
  });
}
