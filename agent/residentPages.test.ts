import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { releaseAtRest, unchangedRanges } from "./residentPages.ts";
import { ManualClock } from "./testing/manual-clock.ts";

const NODE = "/opt/farhand/current/farhand-agent";

function mapping(line: string, { rss = 4280, anonymous = 0, swap = 0 } = {}): string {
  return `${line}
Rss:                ${String(rss).padStart(4)} kB
Anonymous:          ${String(anonymous).padStart(4)} kB
AnonHugePages:         0 kB
Swap:               ${String(swap).padStart(4)} kB
SwapPss:               0 kB
VmFlags: rd mr mw me
`;
}

test("only parts of the program that nobody ever wrote to are let go of", () => {
  const smaps = [
    mapping(`00400000-0082e000 r--p 00000000 fe:00 2211859    ${NODE}`),
    mapping(`0082e000-03489000 r-xp 0042e000 fe:00 2211859    ${NODE}`),
    mapping(`072a7000-072dc000 r--p 06ea7000 fe:00 2211859    ${NODE}`, { anonymous: 212 }),
    mapping(`072dc000-072dd000 r--p 06edc000 fe:00 2211859    ${NODE}`, { swap: 4 }),
    // Emulators say 0 of everything, of what was written to as well.
    mapping(`06ea7000-072a7000 r--p 06aa7000 fe:00 2211859    ${NODE}`, { rss: 0 }),
    mapping(`072dd000-07309000 rw-p 06edd000 fe:00 2211859    ${NODE}`),
    mapping(`07309000-07400000 r--s 06edd000 fe:00 2211859    ${NODE}`),
    mapping("222a4000-22483000 r--p 00000000 00:00 0"),
    mapping("7f62b3a00000-7f62b3b00000 r-xp 00000000 fe:00 339380    /usr/lib/libc.so.6"),
    `7f62b3dc0000-7f62b3fd5000 r-xp 01627000 fe:00 2211859    ${NODE}\nRss: 4 kB\n`,
    mapping("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0    [vsyscall]"),
  ].join("");

  expect(unchangedRanges(smaps, NODE)).toEqual([
    { start: 0x400000n, bytes: 0x42e000n },
    { start: 0x82e000n, bytes: 0x2c5b000n },
  ]);
});

test("an agent at rest lets go of its program's pages, a busy one and a small one do not", async () => {
  const clock = new ManualClock();
  let cpuMs = 900;
  let files = 48_000_000;
  let released = 0;
  const keeper = { residentFileBytes: () => files, release: () => released++ };
  releaseAtRest(clock, keeper, () => cpuMs);

  cpuMs += 1_000;
  await clock.advance(30_000);
  expect(released).toBe(0);

  cpuMs += 5;
  await clock.advance(30_000);
  expect(released).toBe(1);

  files = 14_000_000;
  await clock.advance(30_000);
  expect(released).toBe(1);
});

test("an agent at rest that cannot look goes on, and looks again", async () => {
  const clock = new ManualClock();
  let looks = 0;
  const keeper = {
    residentFileBytes: () => 48_000_000,
    release: () => {
      looks++;
      throw Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });
    },
  };
  releaseAtRest(clock, keeper, () => 0);

  await clock.advance(30_000);
  await clock.advance(30_000);
  expect(looks).toBe(2);
});

test("where Node may not call the C library, an agent does without", () => {
  const script = `
    import { ownPages } from ${JSON.stringify(new URL("./residentPages.ts", import.meta.url).href)};
    console.log(ownPages());
  `;
  const args = ["--permission", "--allow-fs-read=*", "--input-type=module", "--eval", script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(stdout, stderr).toBe("undefined\n");
});

test("a process that let go of its pages has fewer, and goes on as before", () => {
  const script = `
    import { ownPages } from ${JSON.stringify(new URL("./residentPages.ts", import.meta.url).href)};
    import { createHash } from "node:crypto";
    const work = () => {
      const list = Array.from({ length: 1000 }, (_, n) => createHash("sha256").update(String(n)).digest("hex"));
      return [list.sort().join("").length, JSON.parse(JSON.stringify(list)).length, /f{3,}/.test(list.join(""))];
    };
    const pages = ownPages();
    const expected = work();
    const before = pages.residentFileBytes();
    pages.release();
    const after = pages.residentFileBytes();
    pages.release();
    console.log(JSON.stringify({ before, after, same: String(work()) === String(expected) }));
  `;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
  });

  expect(status, stderr).toBe(0);
  const { before, after, same } = JSON.parse(stdout);
  expect(same).toBe(true);
  expect(after).toBeLessThan(before / 2);
});
