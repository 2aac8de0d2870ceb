/** A control plane of its own whose bindings are wrapped, so that every call to D1 and to an object is counted. */
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { bundleWorker } from "../../scripts/lib/build.ts";
import { type Call, callsSchema } from "./counting/call.ts";
import { type Site, type SiteOptions, startSite } from "./site.ts";

const ENTRY = fileURLToPath(new URL("counting/index.ts", import.meta.url));
/** No call for this long: everything that an execution leaves to do beside is done. */
const QUIET_MS = 600;

export async function startCountingSite(options: Omit<SiteOptions, "workerDir">): Promise<Site> {
  const workerDir = join(options.folder, "worker");
  await bundleWorker(ENTRY, workerDir);
  return startSite({ ...options, workerDir });
}

/** The calls since they were last forgotten. */
export async function callsSoFar(url: string): Promise<Call[]> {
  const response = await fetch(`${url}/api/bench/calls`);
  return callsSchema.parse(await response.json());
}

export async function forgetCalls(url: string): Promise<void> {
  await fetch(`${url}/api/bench/calls`, { method: "DELETE" });
}

/** Waits until nothing is called any more. @returns the calls so far */
export async function untilQuiet(url: string): Promise<Call[]> {
  let before = -1;
  for (;;) {
    const now = await callsSoFar(url);
    if (now.length === before && now.every((call) => call.ended !== undefined)) return now;
    before = now.length;
    await wait(QUIET_MS);
  }
}
