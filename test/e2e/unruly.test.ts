/** Steps that misbehave, and hosts that do while steps run: floods, leaks, bombs, restarts, secrets that change, numbers that come back. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AGENT_FILE } from "../../scripts/lib/paths.ts";
import { open, untilExists } from "../harness/files.ts";
import { LONG, LONG_TIMEOUT_MS } from "../harness/long.ts";
import { isAlive, peakMemoryOf, untilGone } from "../harness/processes.ts";
import { runbookOf } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

const MIB = 1024 * 1024;
const KEPT = 64 * MIB;
/** Buffers, garbage that has not been collected yet, and the socket's own. */
const ROOM_BYTES = 160 * MIB;

/** The environment of an agent that has this file beside its state. */
function withFile(variable: string, content: object): Record<string, string> {
  const folder = world().newFolder("settings");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "settings.yaml");
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  return { [variable]: file };
}

const FLOODS: [string, number, string][] = [
  ["lines", LONG ? 10 * 1024 : 150, "yes 'a line of output, like so many others before it and after it'"],
  ["one line without an end", LONG ? 1024 : 100, "tr '\\0' x < /dev/zero"],
];

test.concurrent.each(FLOODS)(
  "[OT5] [fault 24] %s: of %i MiB the first 64 are kept, the rest is counted, the agent's memory is bounded",
  async (_, mebibytes, source) => {
    const tenant = await world().signUp();
    const agent = await world().startAgent(tenant);
    const before = peakMemoryOf(agent.pid);
    const execution = await tenant.run(
      runbookOf({ flood: `${source} | head -c ${mebibytes}M`, next: "echo next" }),
    );
    expect((await execution.finished()).state).toBe("succeeded");
    const { bytes = 0, cutBytes } = (await execution.read()).steps[0]?.streams?.stdout ?? {};
    expect([bytes, bytes + (cutBytes ?? 0)]).toEqual([KEPT, mebibytes * MIB]);
    expect(peakMemoryOf(agent.pid) - before).toBeLessThan(ROOM_BYTES);
  },
  LONG_TIMEOUT_MS,
);

test.concurrent("[OT6] [fault 25] a child that keeps the output of its step open: the step ends, says so, and leaves nothing", async () => {
  const tenant = await world().signUp();
  await world().startAgent(tenant);
  const pids = world().newFolder("pids");
  const execution = await tenant.run(
    runbookOf({ leak: `sleep 300 & echo $! > '${pids}'; echo said`, next: "echo next" }),
  );
  expect((await execution.finished()).state).toBe("succeeded");
  const { leakedOutput, durationMs } = await execution.event("step.finished", ({ step }) => step === "leak");
  expect(leakedOutput).toBe(true);
  expect(durationMs).toBeLessThan(10_000);
  expect(await execution.stored("leak")).toBe("said\n");
  await untilGone([Number(readFileSync(pids, "utf8"))]);
});

/** Bounded by itself: no more than 300 processes ever come to be. */
const bomb = (pids: string) => `
  i=0
  while [ $i -lt 300 ]; do
    (setsid sh -c 'trap "" TERM INT HUP; echo $$ >> ${pids}; sleep 60 & wait' > /dev/null 2>&1 &)
    i=$((i + 1))
  done
  sleep 60`;
const GLUTTON = `exec '${process.execPath}' -e 'const all = []; setInterval(() => all.push(Buffer.alloc(${8 * MIB}, 1)), 20)'`;

test.concurrent("[fault 26] a bomb of processes and one that eats memory: each is ended with all it started, and why is told", async () => {
  const tenant = await world().signUp();
  const limits = { processes: 60, memory: "200MiB" };
  const policy = withFile("FARHAND_POLICY", { limits });
  const agent = await world().startAgent(tenant, { env: { ...policy, FARHAND_OWN_POLICY: "true" } });
  const pids = world().newFolder("pids");
  for (const [script, why] of [
    [bomb(pids), "more than 60 processes"],
    [GLUTTON, "over 200MiB of memory"],
  ] as const) {
    const execution = await tenant.run(runbookOf({ greedy: script, next: "echo next" }));
    expect((await execution.finished()).state).toBe("failed");
    const { steps } = await execution.read();
    expect(steps.map(({ state }) => state)).toEqual(["failed", "skipped"]);
    expect(steps[0]?.outcome).toMatchObject({
      ...{ type: "stopped", reason: "over_limit", confirmed: true },
      detail: expect.stringContaining(why),
    });
  }
  await untilGone(readFileSync(pids, "utf8").trim().split("\n").map(Number));
  expect(isAlive(agent.pid)).toBe(true);
});

test.concurrent.each(["stopped", "upgraded"])(
  "[G1] [fault 36] the agent's service is %s in the middle of a step: ended with all it started, told, and not run again",
  async (how) => {
    const tenant = await world().signUp();
    const agent = await world().startAgent(tenant);
    const [oracle, pids] = [world().oracle(), world().newFolder("pids")];
    const script = `${oracle.line}; setsid sleep 300 & echo $! > '${pids}'; echo up; wait`;
    const execution = await tenant.run(runbookOf({ long: script }));
    await execution.printed("long", "up\n");
    await agent.stop();
    await untilGone([Number(readFileSync(pids, "utf8")), ...oracle.runs().map(({ pid }) => pid)]);
    if (how === "upgraded") await agent.run();
    expect((await execution.finished()).state).toBe("failed");
    const { steps } = await execution.read();
    expect(steps[0]?.outcome).toEqual({ type: "stopped", reason: "agent_stopped", confirmed: true });
    expect(await execution.stored("long")).toBe("up\n");
    const next = await tenant.run(runbookOf({ next: oracle.line }));
    if (how === "stopped") await agent.run();
    expect((await next.finished()).state).toBe("succeeded");
    expect(oracle.runs().map(({ step }) => step)).toEqual(["long", "next"]);
  },
);

test.concurrent("[S8] [fault 37] a secret is rotated in the middle of a step: neither value leaves the host", async () => {
  const tenant = await world().signUp();
  const [folder, gate] = [world().newFolder("secrets.d"), world().newFolder("gate")];
  mkdirSync(folder, { mode: 0o700 });
  const secret = join(folder, "db-password");
  const put = (value: string) => writeFileSync(secret, value, { mode: 0o600 });
  put("before-before");
  const env = withFile("FARHAND_SECRETS_FILE", { providers: [{ type: "file", folder }] });
  await world().startAgent(tenant, { env });
  const using = (script: string) => `# Test\n\n\`\`\`bash {name=s secrets=db-password}\n${script}\n\`\`\`\n`;
  const wait = `echo up; until [ -e '${gate}' ]; do sleep 0.02; done`;
  const execution = await tenant.run(
    using(`${wait}; echo "old $DB_PASSWORD"; echo "new $(cat '${secret}')"`),
  );
  await execution.printed("s", "up\n");
  put("after-after");
  const other = await tenant.run(using('echo "mine $DB_PASSWORD"'));
  expect((await other.finished()).state).toBe("succeeded");
  expect(await other.stored("s")).toBe("mine [secret:db-password]\n");
  await open(gate);
  expect((await execution.finished()).state).toBe("succeeded");
  expect(await execution.stored("s")).toBe("up\nold [secret:db-password]\nnew [secret:db-password]\n");
  for (const each of [execution, other]) {
    const events = await tenant.api.raw("GET", `/api/v1/executions/${each.id}/events`);
    expect(await events.text()).not.toMatch(/before-before|after-after/);
  }
});

/** Numbers of processes can only be chosen in a namespace of one's own, by root. */
const canChoosePids = process.getuid?.() === 0 && existsSync("/proc/sys/kernel/ns_last_pid");

/**
 * The first process of a namespace: an agent that is killed in the middle of a
 * step, whose processes end, whose number goes to a stranger, and another agent.
 */
const RECYCLE = `
  '${process.execPath}' '${AGENT_FILE}' run --state "$STATE" 2> "$LOG" &
  agent=$!
  until [ -s "$PID" ]; do sleep 0.02; done
  pid=$(cat "$PID")
  kill -9 $agent; kill -9 -$pid
  wait $agent
  while [ -d /proc/$pid ]; do sleep 0.02; done
  echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid
  setsid sh -c 'trap "" INT TERM HUP; echo $$ > "$STRANGER"; until [ -e "$GATE" ]; do sleep 0.02; done; echo lived >> "$STRANGER"' &
  until [ -s "$STRANGER" ]; do :; done
  '${process.execPath}' '${AGENT_FILE}' run --state "$STATE" 2>> "$LOG" &
  agent=$!
  until [ -e "$GATE" ] && grep -q lived "$STRANGER"; do sleep 0.02; done
  kill $agent; wait $agent`;

test
  .skipIf(!canChoosePids)
  .concurrent(
    "[G1] [fault 27] the number of a step's process goes to a stranger while the agent is away: it is not touched",
    async () => {
      const tenant = await world().signUp();
      const agent = await world().startAgent(tenant);
      await agent.stop();
      const { stateDir } = agent;
      const path = (name: string) => `${stateDir}.${name}`;
      const scene = spawn("unshare", ["--pid", "--fork", "--mount-proc", "sh", "-c", RECYCLE], {
        stdio: "ignore",
        env: {
          ...{ PATH: process.env.PATH, STATE: stateDir, LOG: path("log"), PID: path("pid") },
          ...{ STRANGER: path("stranger"), GATE: path("gate") },
        },
      });
      const ended = once(scene, "exit");
      const execution = await tenant.run(runbookOf({ long: `echo $$ > '${path("pid")}'; exec sleep 300` }));
      await untilExists(path("stranger"));
      expect((await execution.finished()).state).toBe("failed");
      const { steps } = await execution.read();
      expect(steps[0]?.state).toBe("unknown");
      await open(path("gate"));
      await ended;
      const [number, last] = readFileSync(path("stranger"), "utf8").split("\n");
      expect([number, last]).toEqual([readFileSync(path("pid"), "utf8").trim(), "lived"]);
    },
  );
