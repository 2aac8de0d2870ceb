import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Attempt } from "./attempt.ts";
import { Spool } from "./spool.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhand-attempt-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const empty = { bytes: 0, sha256: sha256(""), cutBytes: 0 };
const printed = { bytes: 10, sha256: sha256("0123456789"), cutBytes: 5 };

/** An attempt that printed ten bytes, with a spool that holds only so much of them. */
function attemptWith(spooled: string): Attempt {
  const spool = new Spool(join(folder, "s"), "s", 1);
  if (spooled) spool.append("stdout", Buffer.from(spooled), 1);
  const attempt = new Attempt({ leaseKey: "l.1", step: "s", number: 1, fence: 1, spool });
  attempt.result = {
    outcome: { type: "exited", exitCode: 0 },
    ...{ time: 1, durationMs: 1, leakedOutput: false },
    streams: { stdout: printed, stderr: empty },
  };
  return attempt;
}

const cut = (text: string, cutBytes: number) => ({ bytes: text.length, sha256: sha256(text), cutBytes });

it.each([
  ["the spool has everything", "0123456789", 0, printed],
  ["the coordinator has everything", "0123", 10, printed],
  ["nobody has the tail", "0123", 2, cut("0123", 11)],
  ["the coordinator has more than the spool, and not all", "0123", 7, cut("0123", 8)],
  ["nobody has anything", "", 0, cut("", 15)],
])("[OT4] a result after a loss of power: %s", (_, spooled, held, expected) => {
  const attempt = attemptWith(spooled);
  attempt.restate({ stdout: held, stderr: 0 });
  expect(attempt.result?.streams).toEqual({ stdout: expected, stderr: empty });
  attempt.restate({ stdout: Math.max(held, spooled.length), stderr: 0 });
  expect(attempt.result?.streams.stdout).toEqual(expected);
});
