import { describe, expect, it } from "vitest";
import { read, trigger } from "./poolScene.ts";
import { acceptOffer, connectAgent, controlHello, newPlace, openControl, poolOf } from "./scriptedAgent.ts";

describe("what is not of the protocol", () => {
  it.each([
    ["garbage", "}{"],
    ["binary", new Uint8Array([1, 2, 3])],
    ["a message nobody knows", { type: "lease.please" }],
    ["a report before hello", { type: "lease.ended", leaseId: "x", fence: 1 }],
    ["a host name that turns the text behind it", controlHello({ hostname: "web\u202e1" })],
    ["an unreasonable number of slots", controlHello({ slots: 1_000_000 })],
    [
      "labels without end",
      controlHello({
        labels: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, "v".repeat(50)])),
      }),
    ],
  ])("ends the socket: %s", async (_name, frame) => {
    const control = await openControl(newPlace());
    control.send(frame);
    expect(await control.end()).toMatchObject({ code: 4400 });
  });

  it("[HS2] an assertion that was used before", async () => {
    const place = newPlace();
    await openControl(place, "the-same");
    await expect(openControl(place, "the-same")).rejects.toThrow("401");
  });

  it("a frame nested 100,000 levels deep", async () => {
    const control = await connectAgent(newPlace());
    control.send(`{"type":"hello","labels":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`);
    const reason = "frame is nested deeper than 128 levels";
    expect(await control.end()).toMatchObject({ code: 4400, reason });
  });

  it("[HS1] a version that is not shared, with the end to upgrade", async () => {
    const control = await openControl(newPlace());
    control.send(controlHello({ protocol: { min: 9, max: 9 } }));
    expect(await control.end()).toMatchObject({
      code: 4426,
      reason: expect.stringContaining("upgrade the server"),
    });
  });

  it("[S5] reports about a lease of another agent change nothing", async () => {
    const place = newPlace();
    const control = await connectAgent(place);
    const { stub } = await trigger(place);
    const offer = await acceptOffer(control);
    const other = await connectAgent({ ...place, agentId: "agt_other" });
    other.send({ type: "lease.declined", leaseId: offer.lease.id, fence: 1, reason: "draining", detail: "" });
    other.send({ type: "lease.ended", leaseId: offer.lease.id, fence: 1 });
    other.send("}{");
    await other.end();
    expect((await poolOf(place).presence())[place.agentId]).toMatchObject({ busySlots: 1 });
    expect((await read(stub)).state).toBe("running");
  });
});
