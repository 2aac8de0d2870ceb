/**
 * Runs `scripts/<command>.ts` under the Node that the project pins, after
 * installing what the lockfile names and is not there yet. Plain JavaScript
 * without dependencies, as is what it imports: it has to run on a fresh clone, under any Node from 20.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { answerOf, USAGE } from "./lib/usage.mjs";

const OLDEST_NODE = 20;
const WRONG_USAGE = 2;
const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const pinnedNode = join(modules, "node", "bin", process.platform === "win32" ? "node.exe" : "node");

process.exitCode = await main(process.argv.slice(2));

async function main([command = "", ...args]) {
  if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE) {
    return fail(
      `Farhand needs Node ${OLDEST_NODE} or newer to start; this is ${process.version}. Update Node.`,
    );
  }
  const script = join(root, "scripts", `${command}.ts`);
  if (!/^[a-z]+(-[a-z]+)*$/.test(command) || !existsSync(script)) {
    return fail(
      `There is no command "${command}". Use one of the scripts of package.json, such as npm start.`,
    );
  }
  const answer = Object.hasOwn(USAGE, command) ? answerOf(command, args) : undefined;
  if (answer?.problem) return fail(answer.problem, WRONG_USAGE);
  if (answer) {
    process.stdout.write(answer.help);
    return 0;
  }
  if (!isInstalled()) {
    const failure = await install();
    if (failure) return fail(failure);
  }
  const path = [join(modules, ".bin"), process.env.PATH ?? ""].join(delimiter);
  return run(pinnedNode, [script, ...args], { ...process.env, PATH: path });
}

/**
 * True when node_modules holds what package-lock.json names: npm writes what it
 * installed to a lockfile of its own, as the last thing it does.
 */
function isInstalled() {
  const wanted = readPackages(join(root, "package-lock.json"));
  const present = readPackages(join(modules, ".package-lock.json"));
  if (!wanted || !present || !existsSync(pinnedNode)) return false;
  return Object.entries(wanted).every(
    ([path, entry]) => path === "" || entry.optional || present[path]?.version === entry.version,
  );
}

/** Leaves out what the lockfile names for other kinds of machines. */
function isForHere({ os, cpu }) {
  return (
    (os ?? [process.platform]).includes(process.platform) && (cpu ?? [process.arch]).includes(process.arch)
  );
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** Runs `npm ci`; answers what went wrong, or nothing. */
async function install() {
  const count = Object.values(readPackages(join(root, "package-lock.json")) ?? {}).filter(isForHere).length;
  say(`Installing ${count} packages (once, about a minute)`);
  const progress = showProgress(count);
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const child = npm?.endsWith(".js")
    ? spawn(process.execPath, [npm, ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    : spawn("npm", args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output = (output + text).slice(0, 4_000);
    });
  }
  const stop = forwardSignals(child);
  const code = await ended(child);
  stop();
  progress.end();
  if (code === undefined) return "npm is missing. Install Node with npm, then try again.";
  if (code !== 0) return `${output.trim()}\n\nnpm ci failed (exit code ${code}); its own words are above.`;
  if (!existsSync(pinnedNode)) {
    return "npm ci ended well but did not install Node itself: install scripts seem to be turned off. Allow them and try again.";
  }
  return undefined;
}

/** Counts packages as they arrive: in place on a terminal, a line now and then elsewhere. */
function showProgress(total) {
  const start = Date.now();
  const timer = setInterval(
    () => {
      const line = `  ${Math.min(countPackages(), total)} of ${total}, ${Math.round((Date.now() - start) / 1000)} s`;
      process.stderr.write(process.stderr.isTTY ? `\r${line}   ` : `${line}\n`);
    },
    process.stderr.isTTY ? 300 : 5_000,
  );
  return {
    end() {
      clearInterval(timer);
      if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    },
  };
}

function countPackages() {
  try {
    return readdirSync(modules).reduce((sum, name) => {
      if (!name.startsWith("@")) return sum + (name.startsWith(".") ? 0 : 1);
      return sum + readdirSync(join(modules, name)).length;
    }, 0);
  } catch {
    return 0;
  }
}

/** Runs the command to its end; its exit code is ours. */
async function run(command, args, env) {
  const child = spawn(command, args, { cwd: root, env, stdio: "inherit" });
  const stop = forwardSignals(child);
  const code = await ended(child);
  stop();
  return code ?? fail(`Could not start ${command}. Delete node_modules and try again.`);
}

/** Whoever stops us stops the command, which then ends in its own time; so does the death of whoever started us. */
function forwardSignals(child) {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  const forward = (signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, forward);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== parent) forward("SIGTERM");
  }, 500);
  return () => {
    clearInterval(watch);
    for (const signal of signals) process.off(signal, forward);
  };
}

/** The exit code, 128 + n for a signal, undefined when it never started. */
function ended(child) {
  return new Promise((resolve) => {
    child.on("error", () => resolve(undefined));
    child.on("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));
  });
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function fail(message, exitCode = 1) {
  say(`\n${message}`);
  return exitCode;
}
