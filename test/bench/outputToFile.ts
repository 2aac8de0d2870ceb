import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Shutdown } from "../../scripts/lib/shutdown.ts";
import { settle } from "./arena.ts";
import type { Measurement } from "./measurement.ts";
import { beside } from "./results.ts";
import { type Site, startSite } from "./site.ts";

const BYTES = 256 * 1024 * 1024;
/** Lines of text, as fast as a pipe takes them. */
const PRINT = `yes "$(printf %099d 7)" | head -c ${BYTES}`;
const LOOK_MS = 5;
const SECRETS = Array.from({ length: 50 }, (_, index) => `secret-${index}`);

/**
 * How long a script is held up by whoever reads what it prints: an agent that
 * spools it, or `cat` that puts it into a file. Once while the control plane
 * takes the output, and once while it is stopped and the spool takes it all;
 * that also by an agent that has given the step secrets, and looks for them.
 */
export const outputToFile: Measurement = {
  title: "256 MiB of output read and spooled, beside cat into a file",
  rounds: 5,
  budgetMs: 40_000,
  async run({ folder, farhand, workerdPid, spawner, shutdown }, rounds) {
    const gate = join(folder, "gate");
    const begun = join(folder, "begun");
    const report = join(folder, "printed-in");
    const file = join(folder, "cat-output");
    // What the shell measures begins with printing, not with the process.
    const timed = `a=$(date +%s%N); ${PRINT}; b=$(date +%s%N); echo $(((b - a) / 1000)) > ${report}.new; mv ${report}.new ${report}`;
    const script = `: > ${begun}; until [ -e ${gate} ]; do sleep 0.01; done; ${timed}`;
    const runbookId = await farhand.write(runbook(script, []));
    const keeper = await siteWithSecrets(join(folder, "with-secrets"), shutdown);
    const keeperRunbookId = await keeper.farhand.write(runbook(script, SECRETS));
    const takeReport = async (): Promise<number> => {
      while (!existsSync(report)) await wait(LOOK_MS);
      const microseconds = Number(readFileSync(report, "utf8"));
      rmSync(report);
      return microseconds / 1e3;
    };
    const spooled = async (
      site: Pick<Site, "farhand" | "workerdPid">,
      runbook: string,
      isStopped: boolean,
    ) => {
      rmSync(gate, { force: true });
      const id = await site.farhand.trigger(runbook);
      while (!existsSync(begun)) await wait(LOOK_MS);
      rmSync(begun);
      if (isStopped) process.kill(site.workerdPid, "SIGSTOP");
      writeFileSync(gate, "");
      try {
        return await takeReport();
      } finally {
        process.kill(site.workerdPid, "SIGCONT");
        await site.farhand.untilAllAre("succeeded", [id]);
        await settle();
      }
    };
    const plain = { farhand, workerdPid };
    const samples = await rounds.interleave({
      alone: () => spooled(plain, runbookId, true),
      redacted: () => spooled(keeper, keeperRunbookId, true),
      sent: () => spooled(plain, runbookId, false),
      cat: async () => {
        await spawner.run(["sh", "-c", `{ ${timed}; } | cat > '${file}'`]);
        rmSync(file);
        return takeReport();
      },
    });
    const cat = ["cat > file", samples.cat] as const;
    return {
      rows: [
        beside("256 MiB read and spooled", "ms", samples.alone ?? [], cat, { atMost: 2 }),
        beside("256 MiB read, redacted and spooled", "ms", samples.redacted ?? [], cat, { atMost: 2 }),
        beside("256 MiB read, spooled and sent", "ms", samples.sent ?? [], cat),
      ],
    };
  },
};

/** With secrets it has two steps: one block may use 32 of them, and what an agent has given once it looks for ever after. */
function runbook(script: string, secrets: readonly string[]): string {
  const half = Math.ceil(secrets.length / 2);
  const first = secrets.length > 0 ? command("before", "true", secrets.slice(0, half)) : "";
  return `# Bench\n\n${first}${command("step", script, secrets.slice(half))}`;
}

function command(name: string, script: string, secrets: readonly string[]): string {
  const given = secrets.map((secret, index) => `  SECRET_${index}: ${secret}\n`).join("");
  const block = `kind: command\nname: ${name}\noutput: 512MiB\n${given && `secrets:\n${given}`}`;
  return `\`\`\`farhand\n${block}script: |\n  ${script}\n\`\`\`\n\n`;
}

/** A control plane whose agent has 50 secrets of 32 characters. */
function siteWithSecrets(folder: string, shutdown: Shutdown): Promise<Site> {
  const values = join(folder, "values");
  mkdirSync(values, { recursive: true });
  for (const name of SECRETS) {
    writeFileSync(join(values, name), randomBytes(24).toString("base64url"), { mode: 0o600 });
  }
  const providers = join(folder, "secrets.yaml");
  writeFileSync(providers, `providers:\n  - type: file\n    folder: ${values}\n`);
  return startSite({ folder, shutdown, agentEnv: { FARHAND_SECRETS_FILE: providers } });
}
