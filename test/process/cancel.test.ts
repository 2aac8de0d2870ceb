/** Rule CX1 on real processes: whatever a script does, its whole tree goes. */
import { expect, it } from "vitest";
import { command, connectedSite, gone, isAlive, lineIn, prepareAgent } from "./harness.ts";

prepareAgent();

it("[CX1] [G7] an interrupt is enough for a script that behaves", async () => {
  const { plane } = await connectedSite();
  const { coordinator } = await plane.offer({
    blocks: [command("polite", "trap 'echo cleaning; exit 0' INT; echo up; sleep 300 & wait")],
  });
  await coordinator.printed("polite", "up");
  coordinator.cancel("polite");
  coordinator.cancel("polite");
  const finished = await coordinator.finished("polite");
  expect(finished.outcome).toEqual({ type: "stopped", reason: "canceled", confirmed: true });
  expect(coordinator.output("polite", "stdout").toString()).toBe("up\ncleaning\n");
});

const STUBBORN: [string, string][] = [
  ["ignores SIGINT and SIGTERM", "trap '' INT TERM; echo $$ > PIDS; echo up; while :; do sleep 0.2; done"],
  [
    "called setsid and ignores SIGTERM",
    `setsid bash -c "trap '' TERM; echo \\$\\$ > PIDS; while :; do sleep 0.2; done" & while [ ! -s PIDS ]; do :; done; echo up; wait`,
  ],
  [
    "was double-forked into a session of its own and adopted by init",
    `(setsid bash -c "echo \\$\\$ > PIDS; exec sleep 300" > /dev/null 2>&1 &) ; while [ ! -s PIDS ]; do :; done; echo up; sleep 300`,
  ],
  ["is stopped", "sleep 300 & echo $! > PIDS; kill -STOP $!; echo up; wait"],
  [
    "has cleaned its environment",
    `env -i setsid bash -c "trap '' TERM; echo \\$\\$ > PIDS; while :; do sleep 0.2; done" & while [ ! -s PIDS ]; do :; done; echo up; wait`,
  ],
  [
    "was double-forked with a clean environment, in a session of its own, by a parent that has ended since",
    `(env -i setsid bash -c "echo \\$\\$ > PIDS; exec sleep 300" < /dev/null > /dev/null 2>&1 & sleep 0.3); while [ ! -s PIDS ]; do :; done; echo up; sleep 300`,
  ],
  [
    "was double-forked in an instant with a clean environment, in a session of its own, and kept its output",
    `(env -i setsid bash -c "echo \\$\\$ > PIDS; exec sleep 300" &); while [ ! -s PIDS ]; do :; done; echo up; sleep 300`,
  ],
  [
    "forks without end",
    "f() { while :; do sleep 0.1 & sleep 0.05; done; }; trap '' TERM INT; echo $$ > PIDS; echo up; f",
  ],
];

it.each(STUBBORN)("[CX1] [G7] no descendant survives that %s", async (_, script) => {
  const { plane, path } = await connectedSite();
  const { coordinator } = await plane.offer({
    blocks: [command("stubborn", script.replaceAll("PIDS", path("pids")))],
  });
  await coordinator.printed("stubborn", "up");
  const pid = Number(await lineIn(path("pids")));
  const shell = coordinator.of("step.started")[0]?.pid ?? 0;
  expect(isAlive(pid)).toBe(true);
  coordinator.cancel("stubborn", 800);
  const finished = await coordinator.finished("stubborn");
  expect(finished.outcome).toEqual({ type: "stopped", reason: "canceled", confirmed: true });
  const left = [pid, shell].filter(isAlive);
  for (const each of left) process.kill(each, "SIGKILL");
  expect(left).toEqual([]);
});

it("[ST3] what a script leaves in its group is gone before it is reported finished", async () => {
  const { plane, path } = await connectedSite();
  const { finished } = await plane.run({
    blocks: [command("left", `env -i sleep 300 > /dev/null 2>&1 & echo $! > ${path("pid")}`)],
  });
  expect(finished).toMatchObject({ outcome: { type: "exited", exitCode: 0 }, leakedOutput: false });
  expect(isAlive(Number(await lineIn(path("pid"))))).toBe(false);
});

it("a daemon that left with setsid is not the step's any more when the step ends by itself", async () => {
  const { plane, path } = await connectedSite();
  const { finished } = await plane.run({
    blocks: [
      command(
        "daemon",
        `setsid sleep 300 < /dev/null > /dev/null 2>&1 & echo $! > ${path("pid")}; sleep 0.2`,
      ),
    ],
  });
  const pid = Number(await lineIn(path("pid")));
  expect(finished.leakedOutput).toBe(false);
  expect(isAlive(pid)).toBe(true);
  process.kill(pid, "SIGKILL");
  await gone([pid]);
});

it("[CX1] a timeout that the coordinator calls is reported as such", async () => {
  const { plane } = await connectedSite();
  const { coordinator } = await plane.offer({ blocks: [command("slow", "echo up; sleep 300")] });
  await coordinator.printed("slow", "up");
  coordinator.cancel("slow", 1_000, "timed_out");
  expect((await coordinator.finished("slow")).outcome).toMatchObject({
    type: "stopped",
    reason: "timed_out",
  });
});
