/** How much a program may be started with, asked of the kernel's rules before a shell would run into them. */
import { readFileSync } from "node:fs";
import { RunnerRefusal, systemWords } from "./refusal.ts";

const KIB = 1024;
/** Of one text, its end included. */
const TEXT_MAX_BYTES = 128 * KIB;
/** Of all of them, with a pointer to each: a quarter of the stack, within these bounds. */
const ALL_LEAST_BYTES = 128 * KIB;
const ALL_MOST_BYTES = 6 * KIB * KIB;

let all: number | undefined;

/** @throws RunnerRefusal */
export function checkArguments(line: readonly string[], environment: Record<string, string>): void {
  const texts = [...line, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)];
  const sizes = texts.map((text) => Buffer.byteLength(text) + 1);
  all ??= allowedBytes();
  const sum = sizes.reduce((before, size) => before + size + 8, 0);
  if (sum <= all && sizes.every((size) => size <= TEXT_MAX_BYTES)) return;
  const words = systemWords(Object.assign(new Error("too large"), { code: "E2BIG" }));
  throw new RunnerRefusal("spawn_failed", `the operating system did not start it: ${words}`);
}

function allowedBytes(): number {
  const stack = /^Max stack size\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  const quarter = stack === undefined ? ALL_MOST_BYTES : Number(stack) / 4;
  return Math.min(ALL_MOST_BYTES, Math.max(ALL_LEAST_BYTES, quarter));
}
