/**
 * A small process that only starts others, because what a start costs grows
 * with whoever asks for it. `spawnerClient.ts` runs it as plain JavaScript, with
 * the types taken out beforehand, so that not even that work is in its memory.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";

/** Comes from `spawnerClient.ts` alone. */
interface Order {
  id: number;
  program: string;
  args: string[];
  /** How often, and how many of them at the same time. */
  count: number;
  inFlight: number;
}

const reports = { firstByteMs: 0, bytes: 0, failed: 0 };

process.on("message", (order: Order) => {
  void carryOut(order).then((report) => process.send?.(report));
});
process.on("disconnect", () => process.exit());

async function carryOut({ id, program, args, count, inFlight }: Order) {
  const report = { id, ...reports };
  const hash = createHash("sha256");
  let left = count;
  const began = performance.now();
  const lane = async () => {
    while (left-- > 0) await once();
  };
  const once = () =>
    new Promise<void>((resolve) => {
      const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
      child.stdout.on("data", (bytes: Buffer) => {
        if (report.bytes === 0) report.firstByteMs = performance.now() - began;
        report.bytes += bytes.length;
        hash.update(bytes);
      });
      let code: number | null = null;
      child.on("error", () => resolve());
      child.on("exit", (exitCode) => {
        code = exitCode;
      });
      child.on("close", () => {
        if (code !== 0) report.failed++;
        resolve();
      });
    });
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { ...report, totalMs: performance.now() - began, sha256: hash.digest("hex") };
}
