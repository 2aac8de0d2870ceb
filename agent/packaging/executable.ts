/** The agent as one executable file with Node inside, for hosts that have none. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * @param bundle the agent's one-file bundle
 * @param node the Node to put inside, of the platform that the executable is for
 * @param outfile where the executable goes
 */
export async function buildExecutable(bundle: string, node: string, outfile: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "farhand-executable-"));
  try {
    const config = join(folder, "sea.json");
    const settings = { main: bundle, mainFormat: "module", executable: node, output: outfile };
    await writeFile(config, JSON.stringify({ ...settings, disableExperimentalSEAWarning: true }));
    await promisify(execFile)(process.execPath, ["--build-sea", config]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
