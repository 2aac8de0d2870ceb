/** Output, from a script's pipe to the coordinator, through everything that can happen in between. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command, connectedSite, prepareAgent } from "./harness.ts";

prepareAgent();

const MIB = 1024 * 1024;
/** Prints so many bytes of seeded noise with a known digest. */
const noise = (bytes: number, path: string) =>
  `head -c ${bytes} /dev/urandom > ${path}; sha256sum < ${path} >&2; cat ${path}`;
const digestIn = (stderr: Buffer) => stderr.toString().slice(0, 64);

it("[OT1] what is spooled is what is sent, byte for byte", async () => {
  const { plane, state } = await connectedSite();
  const frames: Buffer[] = [];
  const { finished } = await plane.run({
    blocks: [command("print", "for i in 1 2 3 4 5; do echo $i; echo $i >&2; sleep 0.02; done")],
    configure: (coordinator) => {
      coordinator.records = false;
      coordinator.loses = (frame, binary) => {
        if (binary) frames.push(Buffer.from(frame));
        return false;
      };
    },
  });
  expect(finished.streams.stdout.bytes).toBe(10);
  const [name = ""] = readdirSync(join(state, "spool"));
  expect(readFileSync(join(state, "spool", name))).toEqual(Buffer.concat(frames));
});

it("shows the first line of a step that goes on running at once, and keeps the order of both streams", async () => {
  const { plane } = await connectedSite();
  const { coordinator } = await plane.offer({
    blocks: [
      command("live", "for i in 1 2 3; do echo o$i; sleep 0.05; echo e$i >&2; sleep 0.05; done; sleep 60"),
    ],
  });
  await coordinator.printed("live", "o1");
  await coordinator.printed("live", "o3");
  await plane.changes.until("all six", () => coordinator.arrivals.length === 6);
  expect(coordinator.arrivals.map(({ text }) => text.trim())).toEqual(["o1", "e1", "o2", "e2", "o3", "e3"]);
  expect(coordinator.of("step.finished")).toEqual([]);
});

it("[OT2] has a bounded number of bytes under way, while the step itself runs on", async () => {
  const { plane, path } = await connectedSite();
  const { coordinator } = await plane.offer({
    blocks: [command("flood", `head -c ${24 * MIB} /dev/zero; echo done > ${path("done")}`)],
    configure: (each) => {
      each.acknowledges = false;
    },
  });
  await expect
    .poll(() => readdirSync(join(path("done"), "..")).includes("done"), { timeout: 10_000 })
    .toBe(true);
  const sent = () => coordinator.output("flood", "stdout").length;
  await plane.changes.until("8 MiB", () => sent() >= 8 * MIB);
  expect(sent()).toBeLessThanOrEqual(8 * MIB + 256 * 1024);
  expect(coordinator.of("step.finished")).toEqual([]);
  coordinator.acknowledges = true;
  coordinator.socket.terminate();
  expect((await coordinator.finished("flood")).streams.stdout.bytes).toBe(24 * MIB);
  expect(sent()).toBe(24 * MIB);
});

it("[OT3] [G3] 20 MB arrive whole over ten cut connections", async () => {
  const { plane, path } = await connectedSite();
  const { coordinator, finished } = await plane.run({
    blocks: [command("big", noise(20_000_000, path("noise")))],
    configure: (each) => {
      each.cutAfterBytes = 1_800_000;
    },
  });
  expect(coordinator.sockets.length).toBeGreaterThan(10);
  const sent = digestIn(coordinator.output("big", "stderr"));
  expect(finished.streams.stdout).toEqual({ bytes: 20_000_000, sha256: sent, cutBytes: 0 });
  expect(coordinator.sha256("big", "stdout")).toBe(sent);
});

it("[OT4] [G13] lost and repeated frames change nothing", async () => {
  const { plane, path } = await connectedSite();
  let seen = 0;
  let committed = 0;
  const { coordinator, finished } = await plane.run({
    blocks: [command("lossy", noise(5_000_000, path("noise")))],
    configure: (each) => {
      each.loses = (_, binary) => binary && ++seen % 5 === 0;
      each.onChunk = () => {
        // Asks for something that it holds already: what follows arrives twice.
        if (++committed % 4 !== 0) return;
        const from = Math.max(0, each.output("lossy", "stdout").length - 300_000);
        each.send({ type: "output.resend", step: "lossy", attempt: 1, stream: "stdout", from });
      };
    },
  });
  expect(coordinator.repeats).toBeGreaterThan(0);
  expect(coordinator.sha256("lossy", "stdout")).toBe(digestIn(coordinator.output("lossy", "stderr")));
  expect(finished.streams.stdout.sha256).toBe(coordinator.sha256("lossy", "stdout"));
});

it("[OT5] cuts output past the limit in whole characters, counts it, and lets the step go on", async () => {
  const { plane } = await connectedSite();
  const limit = 256 * 1024;
  const { coordinator, finished } = await plane.run({
    blocks: [
      command("chatty", "for i in $(seq 30000); do printf '€uro😀 '; done; echo end >&2; exit 3", {
        outputLimitBytes: limit + 1,
      }),
    ],
  });
  const total = 30_000 * Buffer.byteLength("€uro😀 ");
  const { stdout, stderr } = finished.streams;
  expect(finished.outcome).toEqual({ type: "exited", exitCode: 3 });
  expect(stdout.bytes).toBeLessThanOrEqual(limit + 1);
  expect(stdout.bytes).toBeGreaterThan(limit - 4);
  expect(stdout.bytes + stdout.cutBytes).toBe(total);
  expect(stderr).toMatchObject({ bytes: 0, cutBytes: 4 });
  const text = new TextDecoder("utf-8", { fatal: true }).decode(coordinator.output("chatty", "stdout"));
  expect("€uro😀 ".repeat(30_000).startsWith(text)).toBe(true);
  expect(stdout.sha256).toBe(coordinator.sha256("chatty", "stdout"));
});

describe("[OT6] [fault 25] a child that keeps stdout open", () => {
  it("does not hang the step, is flagged, and is ended with the group", async () => {
    const { plane } = await connectedSite();
    const { coordinator, finished } = await plane.run({
      blocks: [command("leak", "sleep 300 & echo done")],
    });
    expect(finished).toMatchObject({ outcome: { type: "exited", exitCode: 0 }, leakedOutput: true });
    expect(coordinator.output("leak", "stdout").toString()).toBe("done\n");
  });

  it("is still heard when it ends within the grace", async () => {
    const { plane } = await connectedSite();
    const { coordinator, finished } = await plane.run({
      blocks: [command("late", "(sleep 0.5; echo late) & echo done")],
    });
    expect(finished.leakedOutput).toBe(false);
    expect(coordinator.output("late", "stdout").toString()).toBe("done\nlate\n");
  });
});

describe("[OT1] bytes stay bytes", () => {
  it("a character that comes in pieces arrives whole; NUL and invalid UTF-8 pass", async () => {
    const { plane } = await connectedSite();
    const { coordinator } = await plane.run({
      blocks: [
        command(
          "pieces",
          "printf 'a\\xe2'; sleep 0.1; printf '\\x82'; sleep 0.1; printf '\\xac'; printf '\\0\\xff\\xfe\\xc3'",
        ),
      ],
    });
    expect(coordinator.output("pieces", "stdout").toString("hex")).toBe("61e282ac00fffec3");
    expect(coordinator.arrivals[0]?.text).toBe("a");
  });

  it("a long stream without a line feed is carried in chunks of 256 KiB", async () => {
    const { plane } = await connectedSite();
    const bytes = 30_000_000;
    const { coordinator, finished } = await plane.run({
      blocks: [command("one-line", `head -c ${bytes} /dev/zero | tr '\\0' x`)],
    });
    expect(finished.streams.stdout.sha256).toBe(
      createHash("sha256").update(Buffer.alloc(bytes, "x")).digest("hex"),
    );
    expect(Math.max(...coordinator.arrivals.map((chunk) => chunk.bytes))).toBeLessThanOrEqual(256 * 1024);
    expect(coordinator.arrivals.length).toBeLessThan(600);
  });
});
