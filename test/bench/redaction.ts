/** What it costs to look for secrets in output that has none, with 50 of them known: in the process of the bench. */
import { randomBytes } from "node:crypto";
import { KnownSecrets } from "../../agent/redact/known.ts";
import { Redactor } from "../../agent/redact/redactor.ts";
import type { Measurement } from "./measurement.ts";
import { alone } from "./results.ts";

const SECRETS = 50;
const LINES = 20_000;
const TOTAL_BYTES = 100 * 1024 * 1024;
/** As much as a pipe gives at once. */
const CHUNK_BYTES = 64 * 1024;

export const redaction: Measurement = {
  title: "redaction: 100 MB of log lines, 50 secrets",
  rounds: 10,
  budgetMs: 20_000,
  async run(_, turns) {
    const known = new KnownSecrets();
    const build: number[] = [];
    const pass: number[] = [];
    const began = performance.now();
    for (let each = 0; each < SECRETS; each++) {
      known.add(`secret-${each}`, Buffer.from(randomBytes(24).toString("base64")));
    }
    build.push(performance.now() - began);
    const lines = Array.from({ length: LINES }, (_, line) => logLine(line));
    const data = Buffer.from(lines.join(""));
    for (const _turn of turns) {
      const redactor = new Redactor(known.matcher, () => {});
      const from = performance.now();
      for (let done = 0; done < TOTAL_BYTES; done += CHUNK_BYTES) {
        const at = done % (data.length - CHUNK_BYTES);
        redactor.push(data.subarray(at, at + CHUNK_BYTES));
      }
      pass.push(performance.now() - from);
    }
    return {
      rows: [
        alone("redacting 100 MB of log, 50 secrets", "ms", pass, { atMost: 260 }),
        alone("learning 50 secrets", "ms", build),
      ],
    };
  },
};

function logLine(line: number): string {
  return `2026-11-21T10:00:00.000Z INFO worker[${line}]: request ${line * 7919} in ${line % 97} ms status=200 path=/items/${line}\n`;
}
