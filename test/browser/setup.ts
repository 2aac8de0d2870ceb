/** One control plane for all browser tests; every file makes an organization of its own on it. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildParts } from "../../scripts/lib/build.ts";
import { findChromium } from "../../scripts/lib/chromium.ts";
import { startControlPlane } from "../../scripts/lib/controlPlane.ts";
import { localRelease } from "../../scripts/lib/localRelease.ts";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
    chromium: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildParts();
  project.provide("chromium", await findChromium());
  const dataDir = await mkdtemp(join(tmpdir(), "farhand-browser-"));
  const authSecret = randomBytes(32).toString("hex");
  const release = await localRelease(dataDir);
  const settings = { ...release.settings, WEBHOOKS_TO_LOOPBACK: "true" };
  const plane = await startControlPlane({ ...release, dataDir, authSecret, port: 0, settings });
  project.provide("url", plane.url);
  return async () => {
    await plane.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
