import { afterEach, expect, it, vi } from "vitest";
import type { ApiBlock } from "#protocol/blocks/index.ts";
import type { Env } from "../env.ts";
import { EdgeCalls } from "./edgeCalls.ts";
import type { EngineInput } from "./engine/inputs.ts";
import { Run } from "./engine/testRun.ts";
import type { OutputIntake } from "./intake.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const BLOCK: ApiBlock = { kind: "api", id: "call", from: "edge", method: "GET", url: "https://example.com/" };
const SETTINGS = {
  AUTH_SECRET: "a secret that is long enough to be one",
  PUBLIC_URL: "https://farhand.test",
};

/** One request of an execution, and what came of it. */
function scene(settings: Partial<typeof SETTINGS>) {
  const run = new Run([BLOCK]);
  const decided: EngineInput[] = [];
  const accept = vi.fn(() => ({ type: "known", held: 0 }));
  const calls = new EdgeCalls({
    // Only what is looked at; breakers that do not answer stop nobody.
    env: settings as Partial<Env> as Env,
    intake: { accept } as Partial<OutputIntake> as OutputIntake,
    state: () => run.state,
    decide: (input) => decided.push(input),
    publish: () => {},
  });
  const perform = () => calls.perform({ type: "edge.request", step: "call", attempt: 1, inputs: {} });
  return { run, decided, accept, perform };
}

it("a request that cannot be made for want of settings ends its step, in words", async () => {
  const { decided, perform } = scene({ AUTH_SECRET: SETTINGS.AUTH_SECRET });
  await perform();
  expect(decided).toMatchObject([
    {
      type: "edge.finished",
      step: "call",
      outcome: { type: "refused", detail: expect.stringContaining("PUBLIC_URL") },
    },
  ]);
});

it("a request that breaks off in a way nobody foresaw ends its step as well", async () => {
  const { decided, accept, perform } = scene(SETTINGS);
  vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response("hello"));
  accept.mockImplementation(() => {
    throw new Error("disk I/O error at page 17");
  });
  await perform();
  expect(decided).toMatchObject([{ type: "edge.finished", outcome: { type: "unanswered", sent: true } }]);
  expect(JSON.stringify(decided)).not.toContain("page 17");
});

it("the answer to a step that has ended meanwhile is not kept", async () => {
  const { run, accept, decided, perform } = scene(SETTINGS);
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    run.input({
      type: "edge.finished",
      step: "call",
      attempt: 1,
      outcome: { type: "unanswered", detail: "" },
      durationMs: 1,
    });
    return new Response("hello");
  });
  await perform();
  expect([accept.mock.calls, decided]).toEqual([[], []]);
});
