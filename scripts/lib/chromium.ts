/** The browser that the browser tests drive. */
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { EXIT, Problem } from "./problem.ts";
import { during } from "./terminal.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * Where Chromium is; installs Debian's where that is allowed.
 * @throws Problem that says what to install
 */
export async function findChromium(): Promise<string> {
  const present = process.env.FARHAND_CHROMIUM ?? (await lookUp());
  if (present) return present;
  if (process.getuid?.() === 0 && (await isThere("/usr/bin/apt-get"))) {
    await during("Installing Chromium", installWithApt);
    const installed = await lookUp();
    if (installed) return installed;
  }
  throw new Problem(
    "The browser tests need Chromium. Install it (Debian and Ubuntu: sudo apt-get install chromium), or set FARHAND_CHROMIUM to where it is.",
    EXIT.missingTool,
  );
}

async function installWithApt(): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await execa("apt-get", ["update", "-q"], { all: true, env });
  await execa("apt-get", ["install", "-q", "-y", "--no-install-recommends", "chromium"], { all: true, env });
}

async function lookUp(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? "").split(delimiter);
  for (const name of NAMES) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (folder !== "" && (await isThere(path))) return path;
    }
  }
  return undefined;
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
