/** The agent's service, as whoever replaces its program has to handle it. */
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const UNIT = "farhand-agent.service";
const run = promisify(execFile);

export interface Service {
  /** Puts the units that come with a version in place of those that are installed. */
  takeUnits(folder: string): Promise<void>;
  /** Asks for a start of the program that is current now, and does not wait for it. */
  restart(): Promise<void>;
  /** `active`, `failed` and so on, and how often it had to be started again since `restart`. */
  look(): Promise<{ state: string; restarts: number }>;
}

/** @param units the folder of systemd's units, such as /etc/systemd/system */
export function systemdService(units: string): Service {
  return {
    async takeUnits(folder) {
      const names = readdirSync(folder).filter((name) => /^farhand-agent.*\.(?:service|path)$/.test(name));
      const changed = names.filter((name) => {
        const installed = join(units, name);
        return existsSync(installed) && !readFileSync(installed).equals(readFileSync(join(folder, name)));
      });
      for (const name of changed) {
        copyFileSync(join(folder, name), join(units, `.${name}.new`));
        renameSync(join(units, `.${name}.new`), join(units, name));
      }
      if (changed.length > 0) await run("systemctl", ["daemon-reload"]);
    },
    async restart() {
      await run("systemctl", ["restart", "--no-block", UNIT]);
    },
    async look() {
      const { stdout } = await run("systemctl", ["show", "--property=ActiveState,NRestarts", UNIT]);
      const values = Object.fromEntries(stdout.split("\n").map((line) => line.split("=")));
      return { state: String(values.ActiveState ?? "unknown"), restarts: Number(values.NRestarts ?? 0) };
    },
  };
}
