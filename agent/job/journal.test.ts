import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { silentLog } from "../testing/silent-log.ts";
import { encodeLine, Journal, parseSegment } from "./journal.ts";
import { attemptKey, type JournalRecord, leaseKey } from "./records.ts";

/** A disk that takes no new segment while `full` is set. */
const disk = vi.hoisted(() => ({ full: false }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const fdatasyncSync = (fd: number) => {
    if (disk.full) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    fs.fdatasyncSync(fd);
  };
  return { ...fs, fdatasyncSync };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhand-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () => Journal.open(folder, silentLog);
const segments = () => readdirSync(folder).map((name) => join(folder, name));
const lease = { id: "lse_1", executionId: "exe_1", fence: 1 };
const key = leaseKey(lease);
const held: JournalRecord = { type: "lease", lease };
const started = (step: string): JournalRecord => ({
  type: "started",
  ...{ lease: key, step, attempt: 1, fence: 1, time: 5, marker: "m", bootId: "b" },
});
const summary = { bytes: 0, sha256: "0".repeat(64), cutBytes: 0 };
const finished = (step: string): JournalRecord => ({
  type: "finished",
  ...{ lease: key, step, attempt: 1, fence: 1 },
  result: {
    outcome: { type: "exited", exitCode: 0 },
    time: 6,
    durationMs: 1,
    streams: { stdout: summary, stderr: summary },
    leakedOutput: false,
  },
});

it("leaves out lines that nobody here can have written, and knows the rest", async () => {
  const journal = open();
  journal.append(held);
  await journal.appendDurably(started("a"));
  journal.close();
  const sealed = (json: string | Buffer) =>
    Buffer.concat([
      Buffer.from(`${crc32(json).toString(16).padStart(8, "0")} `),
      Buffer.from(json),
      Buffer.from("\n"),
    ]);
  const hostile = [
    JSON.stringify({ ...finished("a"), result: "__" }).replace(
      '"__"',
      `{"values":{"v":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`,
    ),
    '{"type":"ended","lease":{"__proto__":1}}',
    '{"type":"__proto__"}',
    "null",
    "[]",
    `{"${"k".repeat(100_000)}":1}`,
    "\0\0\0",
    Buffer.from([0x22, 0xff, 0xfe, 0x22]),
  ].map(sealed);
  const [path = ""] = segments();
  appendFileSync(path, Buffer.concat([...hostile, Buffer.from([0, 0, 0, 10, 0xff, 10])]));
  const { leases, ended } = open().state;
  expect([...leases.keys()]).toEqual([key]);
  expect(leases.get(key)?.attempts.get(attemptKey("a", 1))?.finished).toBeUndefined();
  expect(ended.size).toBe(0);
});

it("[ST1] [ST2] knows after a restart what was started, finished and recorded", async () => {
  const before = open();
  before.append(held);
  for (const step of ["a", "b", "c"]) await before.appendDurably(started(step));
  before.append(finished("b"));
  before.append(finished("c"));
  before.append({ type: "recorded", lease: key, step: "c", attempt: 1 });
  // No close: a crash closes nothing.
  const attempts = open().state.leases.get(key)?.attempts;
  const of = (step: string) => attempts?.get(attemptKey(step, 1));
  expect(of("a")).toMatchObject({ started: { marker: "m" }, recorded: false });
  expect(of("a")?.finished).toBeUndefined();
  expect(of("b")?.finished?.result.outcome).toEqual({ type: "exited", exitCode: 0 });
  expect(of("c")).toEqual({ step: "c", attempt: 1, recorded: true });
});

it("[CM2] remembers leases that are over, and nothing else of them", () => {
  const before = open();
  before.append(held);
  before.append(started("a"));
  before.append({ type: "ended", lease: key });
  const { state } = open();
  expect(state.leases.size).toBe(0);
  expect(state.ended.has(key)).toBe(true);
});

describe("[G4] a torn tail", () => {
  it("is cut at every byte without losing a whole record before it", async () => {
    const before = open();
    before.append(held);
    await before.appendDurably(started("a"));
    const [path = ""] = segments();
    const whole = readFileSync(path);
    const last = encodeLine(started("b"));
    for (let length = 0; length < last.length - 1; length++) {
      writeFileSync(path, whole);
      appendFileSync(path, last.slice(0, length));
      const { records } = parseSegment(readFileSync(path, "utf8"));
      expect(records.map((record) => record.type)).toEqual(["lease", "started"]);
    }
  });

  it("of zeros or foreign bytes does not hide what follows in the next segment", () => {
    const before = open();
    before.append(held);
    before.append(started("a"));
    appendFileSync(
      segments()[0] ?? "",
      Buffer.concat([Buffer.alloc(300), Buffer.from("\xff\xfe junk\nmore")]),
    );
    const after = open();
    after.append(finished("a"));
    expect(open().state.leases.get(key)?.attempts.get(attemptKey("a", 1))?.finished).toBeDefined();
  });
});

it("leaves out a line with a flipped bit and keeps the others", () => {
  const before = open();
  before.append(held);
  before.append(started("a"));
  before.append(started("b"));
  const [path = ""] = segments();
  const bytes = readFileSync(path);
  const at = bytes.indexOf('"a"');
  bytes[at + 1] = (bytes[at + 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  expect(Array.from(open().state.leases.get(key)?.attempts.keys() ?? [])).toEqual([attemptKey("b", 1)]);
});

it("stays small: old segments go, what is held stays", async () => {
  const journal = open();
  journal.append(held);
  journal.append(started("kept"));
  for (let i = 0; i < 20_000; i++) {
    const other = { id: `other_${i}`, executionId: "exe_2", fence: 1 };
    journal.append({ type: "lease", lease: other });
    journal.append({ ...started("x"), lease: leaseKey(other) } as JournalRecord);
    const ended = { type: "ended", lease: leaseKey(other) } as const;
    // Not each of them: on a slow disk that takes longer than a test may.
    if (i % 1_000 === 0) await journal.appendDurably(ended);
    else journal.append(ended);
  }
  journal.append(finished("kept"));
  expect(segments()).toHaveLength(1);
  expect(readFileSync(segments()[0] ?? "").length).toBeLessThan(2 * 1024 * 1024);
  const attempt = open().state.leases.get(key)?.attempts.get(attemptKey("kept", 1));
  expect(attempt?.started).toBeDefined();
  expect(attempt?.finished).toBeDefined();
});

it("starts over an empty file that a crash has left", () => {
  open().append(held);
  truncateSync(segments()[0] ?? "", 0);
  expect(open().state.leases.size).toBe(0);
});

it("[fault 23] carries the old segment on while the disk has no room for a new one", () => {
  const before = open();
  before.append(held);
  before.append(started("a"));
  const [first = ""] = segments();
  appendFileSync(first, 'deadbeef {"torn');
  disk.full = true;
  const onFullDisk = open();
  onFullDisk.append(finished("a"));
  expect(segments()).toEqual([first]);
  expect(parseSegment(readFileSync(first, "utf8"))).toMatchObject({ bad: 0 });
  disk.full = false;
  onFullDisk.append(started("b"));
  expect(segments()).not.toContain(first);
  expect(segments()).toHaveLength(1);
  const attempts = open().state.leases.get(key)?.attempts;
  expect(attempts?.get(attemptKey("a", 1))?.finished).toBeDefined();
  expect(attempts?.get(attemptKey("b", 1))?.started).toBeDefined();
});
