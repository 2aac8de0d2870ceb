/** Much output, of which every byte is known, through every kind of trouble on the way. */
import { createCipheriv, createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { TestAgent } from "../harness/agent.ts";
import type { FrameProxy } from "../harness/frameProxy.ts";
import { LONG, LONG_TIMEOUT_MS } from "../harness/long.ts";
import type { TcpProxy } from "../harness/tcpProxy.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

const BYTES = (LONG ? 100 : 8) * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;

/** Bytes that are as good as random, and the same for everybody who knows the seed; by a script and here. */
function script(seed: number): string {
  return `exec '${process.execPath}' -e "
    const cipher = require('crypto').createCipheriv('aes-128-ctr', Buffer.alloc(16, ${seed}), Buffer.alloc(16));
    for (let at = 0; at < ${BYTES}; at += ${PIECE_BYTES}) {
      const piece = cipher.update(Buffer.alloc(${PIECE_BYTES}));
      for (let done = 0; done < piece.length; ) done += require('fs').writeSync(1, piece, done);
    }"`;
}

function digestOf(seed: number): string {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16));
  const hash = createHash("sha256");
  for (let at = 0; at < BYTES; at += PIECE_BYTES) hash.update(cipher.update(Buffer.alloc(PIECE_BYTES)));
  return hash.digest("hex");
}

interface Way {
  tcp: TcpProxy;
  frames: FrameProxy;
  agent: TestAgent;
  /** Aborted when the execution has ended. */
  over: AbortSignal;
}

/** Does something again and again until the execution has ended. */
async function every(ms: number, { over }: Way, act: () => void | Promise<void>): Promise<void> {
  while (!over.aborted) {
    await act();
    await wait(ms, undefined, { signal: over }).catch(() => {});
  }
}

function mistreat(treat: "drop" | "repeat" | "reorder" | "corrupt") {
  return async ({ frames }: Way): Promise<void> => {
    let seen = 0;
    frames.add({ when: ({ direction, binary }) => direction === "up" && binary && seen++ % 9 === 4, treat });
  };
}

const TROUBLES: [string, (way: Way) => Promise<void>][] = [
  ["[fault 14] resets", (way) => every(400, way, () => way.tcp.reset())],
  [
    "[fault 14] connections that end after some bytes",
    async ({ tcp }) => tcp.set({ cutAfterBytes: BYTES >> 1 }),
  ],
  [
    "[fault 16] a slow line in slices",
    async ({ tcp }) => tcp.set({ latencyMs: LONG ? 100 : 20, sliceBytes: LONG ? 1_000 : 8_000 }),
  ],
  ["[fault 17] frames that are lost", mistreat("drop")],
  ["[fault 17] frames that are repeated", mistreat("repeat")],
  ["[fault 17] frames out of order", mistreat("reorder")],
  ["[fault 17] frames with a bit flipped", mistreat("corrupt")],
  [
    "[fault 15] a line that stands still now and then",
    (way) =>
      every(300, way, async () => {
        way.tcp.set({ blackHole: true });
        await wait(LONG ? 5_000 : 300);
        way.tcp.heal();
      }),
  ],
  [
    "[fault 40] an agent that stands still now and then",
    (way) =>
      every(300, way, async () => {
        way.agent.signal("SIGSTOP");
        await wait(LONG ? 5_000 : 300);
        way.agent.signal("SIGCONT");
      }),
  ],
];

async function expectWhole(seed: number, trouble: (way: Way) => Promise<void>): Promise<void> {
  const tenant = await world().signUp();
  const frames = await world().frameProxy();
  const tcp = await world().tcpProxy(Number(new URL(frames.url).port));
  const agent = await world().startAgent(tenant, { url: tcp.url });
  const over = new AbortController();
  const execution = await tenant.run(
    `# Test\n\n\`\`\`bash {name=bulk output=1GiB}\n${script(seed)}\n\`\`\`\n`,
  );
  const troubled = trouble({ tcp, frames, agent, over: over.signal });
  const { state } = await execution.finished();
  over.abort();
  await troubled;
  expect(state).toBe("succeeded");
  const path = `/api/v1/executions/${execution.id}/steps/bulk/output?stream=stdout`;
  const hash = createHash("sha256");
  for await (const bytes of (await tenant.api.raw("GET", path)).body ?? []) hash.update(bytes);
  const { steps } = await execution.read();
  const { bytes, sha256, cutBytes } = steps[0]?.streams?.stdout ?? {};
  const digest = digestOf(seed);
  expect({ bytes, cutBytes, sha256, stored: hash.digest("hex") }).toEqual({
    ...{ bytes: BYTES, cutBytes: 0, sha256: digest, stored: digest },
  });
}

describe(`[G3] ${BYTES >> 20} MiB arrive whole`, () => {
  test.concurrent.each(TROUBLES)(
    "through %s",
    async (name, trouble) => {
      const seed = 1 + TROUBLES.findIndex(([each]) => each === name);
      await expectWhole(seed, trouble);
    },
    LONG ? LONG_TIMEOUT_MS : 60_000,
  );
});

test(
  `[G3] [fault 6] ${BYTES >> 20} MiB arrive whole although workerd is killed`,
  async () => {
    await expectWhole(99, async () => {
      for (let kill = 0; kill < (LONG ? 3 : 1); kill++) {
        await wait(300);
        await world().killRuntime();
      }
    });
  },
  LONG ? LONG_TIMEOUT_MS : 60_000,
);
