/** Which version a pool tells its agents to have. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { z } from "zod";
import { poolSchema } from "#protocol/api/pools.ts";
import { problemSchema } from "#protocol/errors.ts";
import { RELEASE_PATHS } from "#protocol/release.ts";
import { LATEST_KEPT_MS } from "../../worker/pool/deadlines.ts";
import { call, dataOf, signUp } from "./harness.ts";
import { connectAgent, newPlace, type Place, poolOf } from "./scriptedAgent.ts";

const UPDATE = { mode: "auto", installs: true } as const;

async function release(version: string): Promise<void> {
  await env.RELEASES.put(RELEASE_PATHS.latest, JSON.stringify({ version }));
  await env.RELEASES.put(RELEASE_PATHS.file(version, "release.json"), "{}");
}

const presenceOf = async (place: Place) => (await poolOf(place).presence())[place.agentId];

it("is the newest release, told as soon as it is known, and shown with what the agent says of itself", async () => {
  await release("1.1.0");
  const place = newPlace();
  const control = await connectAgent(place, { update: { ...UPDATE, window: "02:00-04:00" } });
  expect(await control.next("version.wanted")).toEqual({ type: "version.wanted", version: "1.1.0" });
  expect(await presenceOf(place)).toMatchObject({
    ...{ agentVersion: "1.0.0", wantedVersion: "1.1.0", update: { ...UPDATE, window: "02:00-04:00" } },
  });
  const again = await connectAgent(place, { update: UPDATE });
  expect(again.messages("welcome")[0]?.wantedVersion).toBe("1.1.0");
});

it("is looked up again by the alarm, not more often than every ten minutes", async () => {
  await release("1.1.0");
  const place = newPlace();
  const control = await connectAgent(place, { update: UPDATE });
  await control.next("version.wanted");
  await release("1.2.0");
  await runDurableObjectAlarm(poolOf(place));
  expect(control.messages("version.wanted")).toHaveLength(1);
  await runInDurableObject(poolOf(place), (_, { storage }) => {
    storage.kv.put("latest", { version: "1.1.0", at: Date.now() - LATEST_KEPT_MS });
  });
  await runDurableObjectAlarm(poolOf(place));
  expect((await control.next("version.wanted", 2)).version).toBe("1.2.0");
});

it("is not told to an agent from before there was this", async () => {
  await release("1.1.0");
  const place = newPlace();
  const newer = await connectAgent({ ...place, agentId: `${place.agentId}2` }, { update: UPDATE });
  await newer.next("version.wanted");
  const control = await connectAgent(place);
  expect(control.messages("welcome")[0]).not.toHaveProperty("wantedVersion");
  await poolOf(place).configure({ agentVersion: "1.0.0" });
  await newer.next("version.wanted", 2);
  expect(control.messages("version.wanted")).toEqual([]);
  expect(await presenceOf(place)).not.toHaveProperty("wantedVersion");
});

it("can be a certain one, or any, and is told at once", async () => {
  await release("1.1.0");
  const place = newPlace();
  const control = await connectAgent(place, { update: UPDATE });
  await control.next("version.wanted");
  await poolOf(place).configure({ agentVersion: "1.0.5" });
  expect((await control.next("version.wanted", 2)).version).toBe("1.0.5");
  await poolOf(place).configure({ agentVersion: "any" });
  expect((await control.next("version.wanted", 3)).version).toBeNull();
  await poolOf(place).configure({ agentVersion: "latest", maxLeases: 3 });
  expect((await control.next("version.wanted", 4)).version).toBe("1.1.0");
});

it("is set through the API: the newest, any, or a release that is here", async () => {
  await release("1.1.0");
  const { key } = await signUp();
  const [pool] = dataOf(await call("/api/v1/pools", { key }), z.array(poolSchema));
  expect(pool?.agentVersion).toBe("latest");
  const change = (body: unknown) => call(`/api/v1/pools/${pool?.id}`, { method: "PUT", key, body });
  expect(dataOf(await change({ agentVersion: "1.1.0" }), poolSchema).agentVersion).toBe("1.1.0");
  expect(dataOf(await change({ maxLeases: 4 }), poolSchema)).toMatchObject({
    ...{ agentVersion: "1.1.0", maxLeases: 4 },
  });
  expect(dataOf(await change({ agentVersion: "any", maxLeases: null }), poolSchema).agentVersion).toBe("any");
  const missing = problemSchema.parse((await change({ agentVersion: "7.0.0" })).json);
  expect(missing).toMatchObject({
    code: "invalid_request",
    detail: "There is no release 7.0.0 here.",
  });
  for (const body of [{}, { agentVersion: "newest" }, { agentVersion: "../1.0.0" }, { agentVersion: null }]) {
    expect((await change(body)).status).toBe(400);
  }
});
