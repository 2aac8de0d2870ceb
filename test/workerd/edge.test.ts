import { expect, it, vi } from "vitest";
import type { ApiBlock } from "#protocol/blocks/index.ts";
import { eventually } from "./eventually.ts";
import { coordinatorOf, newExecution, newPlace } from "./scriptedAgent.ts";

async function call(more: Partial<ApiBlock>) {
  const place = newPlace();
  const block: ApiBlock = { kind: "api", id: "call", from: "edge", method: "GET", url: "", ...more };
  const execution = await newExecution(place, [block]);
  const stub = coordinatorOf(place, execution.executionId);
  await stub.create(execution);
  const ended = await eventually(async () => {
    const read = await stub.read();
    if (!read?.confirmed) throw new Error("it goes on");
    return read;
  });
  return { ended, output: await (await stub.fetch("https://object/steps/call/output")).text() };
}

it.each([
  "http://169.254.169.254/latest/meta-data",
  "https://10.0.0.1/",
  "https://[::ffff:127.0.0.1]/",
  "https://localhost/",
  "https://2130706433/",
])("a request from the edge to %s is refused, and the step says why", async (url) => {
  const { ended } = await call({ url });
  expect(ended).toMatchObject({ state: "failed" });
  expect(ended.steps[0]).toMatchObject({ outcome: { type: "refused", code: "address_not_allowed" } });
  expect(ended.steps[0]?.detail).toContain("the control plane refused it");
});

it("[CX1] a cancel hangs up a request from the edge that is out", async () => {
  let asked: RequestInit | undefined;
  vi.spyOn(globalThis, "fetch").mockImplementation(
    (_, init) =>
      new Promise((_resolve, reject) => {
        asked = init;
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      }),
  );
  const place = newPlace();
  const block: ApiBlock = {
    kind: "api",
    id: "call",
    from: "edge",
    method: "POST",
    url: "https://example.com/",
  };
  const execution = await newExecution(place, [block]);
  const stub = coordinatorOf(place, execution.executionId);
  await stub.create(execution);
  const request = await eventually(() => {
    if (!asked) throw new Error("nothing was asked yet");
    return asked;
  });
  await stub.ask({ type: "cancel", actor: { type: "system", name: "test" }, reason: "", force: false });
  expect(request.signal?.aborted).toBe(true);
  expect(await stub.read()).toMatchObject({ state: "canceled", steps: [{ state: "canceled" }] });
});
