import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { newId } from "#protocol/ids.ts";
import { Archiver, KEEP_MS, REST_MS } from "../../worker/execution/archive/archiver.ts";
import { archivePrefix, decodeRecords, manifestSchema } from "../../worker/execution/archive/format.ts";
import { ExecutionStore } from "../../worker/execution/store.ts";
import { eventually } from "./eventually.ts";
import { running } from "./scene.ts";
import {
  Attempt,
  acceptOffer,
  command,
  connectAgent,
  coordinatorOf,
  newExecution,
  newPlace,
  openData,
} from "./scriptedAgent.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** An execution that has run to its end, and what its coordinator served then. */
async function ended() {
  const place = newPlace();
  const control = await connectAgent(place);
  const execution = await newExecution(place, [command("a")]);
  const stub = coordinatorOf(place, execution.executionId);
  await stub.create(execution);
  const { lease } = await acceptOffer(control);
  const data = await openData(place, execution.executionId);
  const attempt = new Attempt("a", 1);
  data.send(attempt.hello(lease));
  data.send(attempt.started());
  for (let i = 0; i < 5; i++) data.send(attempt.chunk(`line ${i}\n`, i % 2 === 0 ? "stdout" : "stderr"));
  data.send(attempt.finished());
  await data.next("step.recorded");
  data.send({ type: "ack", id: "release:1" });
  data.socket.close();
  control.socket.close();
  const read = async () => ({
    execution: await stub.read(),
    events: await stub.events(0, 1_000),
    output: await (await stub.fetch("https://object/output.txt")).text(),
    range: await (await stub.fetch("https://object/steps/a/output?offset=7&limit=9")).text(),
    frames: await (await stub.fetch("https://object/steps/a/chunks?line=0")).arrayBuffer(),
  });
  return { place, execution, stub, read };
}

async function alarmAt(stub: ReturnType<typeof coordinatorOf>, ms: number): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  await runDurableObjectAlarm(stub);
}

function rows(stub: ReturnType<typeof coordinatorOf>): Promise<number> {
  return runInDurableObject(stub, (_, { storage }) =>
    Number(storage.sql.exec("SELECT COUNT(*) AS count FROM log").one().count),
  );
}

describe("the archive", () => {
  it("has everything of an execution that ended, compressed and with its hashes", async () => {
    const { place, execution, stub } = await ended();
    await alarmAt(stub, REST_MS);
    const prefix = archivePrefix(place.organizationId, execution.executionId);
    const manifest = await eventually(async () => {
      const object = await env.ARCHIVE.get(`${prefix}manifest.json`);
      return manifestSchema.parse(await object?.json());
    });
    const [segment] = manifest.segments;
    const object = await env.ARCHIVE.get(segment?.key ?? "");
    const stream = object?.body.pipeThrough(new DecompressionStream("gzip"));
    const records = [...decodeRecords(new Uint8Array(await new Response(stream).arrayBuffer()))];
    expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: manifest.head }, (_, i) => i + 1));
    expect(records.filter(({ type }) => type === "chunk")).toHaveLength(5);
  });

  it("is read from as if nothing had happened, once the coordinator's copy is gone", async () => {
    const { stub, read, before } = await archived();
    expect(await read()).toEqual(before);
    expect(await rows(stub)).toBeGreaterThan(0);
  });

  it("[G3] lets the coordinator's copy go only when the archive is as it was written", async () => {
    const { place, execution, stub } = await ended();
    await alarmAt(stub, REST_MS);
    const prefix = archivePrefix(place.organizationId, execution.executionId);
    await eventually(async () => expect(await env.ARCHIVE.head(`${prefix}manifest.json`)).not.toBeNull());
    await env.ARCHIVE.put(`${prefix}000000.gz`, "damaged");
    await alarmAt(stub, KEEP_MS + 1_000);
    expect(await rows(stub)).toBeGreaterThan(0);
  });

  it("[G3] [G16] has what an agent still told after the archive was written", async () => {
    const { place, control, execution, data, attempt, lease } = await running();
    const stub = coordinatorOf(place, execution.executionId);
    const actor = { type: "user", id: "usr_1", name: "Ada" } as const;
    data.send(attempt.chunk("before\n"));
    await data.next("output.ack");
    data.socket.close();
    await stub.ask({ type: "cancel", actor, reason: "", force: true });
    await alarmAt(stub, REST_MS);
    await eventually(async () => expect(await alarmSet(stub)).toBeGreaterThan(Date.now() + KEEP_MS / 2));
    const again = await openData(place, execution.executionId);
    again.send(attempt.hello(lease));
    again.send(attempt.chunk("after\n"));
    again.send(attempt.finished());
    await again.next("step.recorded");
    again.socket.close();
    control.socket.close();
    const before = await stub.events(0, 1_000);
    await alarmAt(stub, KEEP_MS + 1_000);
    await eventually(async () => {
      await alarmAt(stub, REST_MS);
      expect(await rows(stub)).toBe(0);
    });
    expect(await stub.events(0, 1_000)).toEqual(before);
    expect(before?.events.map(({ event }) => event.type)).toContain("step.late");
    expect(await (await stub.fetch("https://object/output.txt")).text()).toBe("before\nafter\n");
  });

  it("[VW1] keeps the coordinator's copy for whoever begins to read while the archive is looked at", async () => {
    const { place, execution, stub } = await ended();
    await alarmAt(stub, REST_MS);
    await eventually(async () => expect(await alarmSet(stub)).toBeGreaterThan(Date.now() + KEEP_MS / 2));
    await runInDurableObject(stub, async (_, { storage }) => {
      const store = new ExecutionStore(storage);
      let isInUse = false;
      const bucket = new Proxy(env.ARCHIVE, {
        get: (target, name) => {
          isInUse = true;
          return Reflect.get(target, name).bind(target);
        },
      });
      const { organizationId } = place;
      const { executionId, planDigest } = execution;
      const names = { organizationId, executionId, planDigest };
      const archiver = new Archiver({ ...names, bucket, store, endedAt: () => 0, isInUse: () => isInUse });
      await archiver.work(() => KEEP_MS);
      expect(isInUse).toBe(true);
      expect(store.isDropped).toBe(false);
    });
  });

  it("is left where it is when somebody asks for what was deleted; its Idempotency-Key stays taken", async () => {
    const { execution, stub } = await archived();
    const by = { type: "user", id: newId("user"), name: "Ada" } as const;
    await stub.remove({ by, at: Date.now() });
    expect([await stub.read(), await stub.summary(), await stub.events(0, 1)]).toEqual([null, null, null]);
    expect((await stub.fetch("https://object/output.txt")).status).toBe(404);
    expect(await stub.ask({ type: "resume", actor: by })).toEqual({ outcome: "not_found" });
    expect(await rows(stub)).toBe(0);
    expect(await stub.repeat(execution.requestHash)).toMatchObject({ outcome: "existing" });
    expect(await stub.read()).toBeNull();
  });

  /** One whose log is only in the archive. */
  async function archived() {
    const scene = await ended();
    const before = await scene.read();
    await alarmAt(scene.stub, REST_MS);
    await eventually(async () =>
      expect(await alarmSet(scene.stub)).toBeGreaterThan(Date.now() + KEEP_MS / 2),
    );
    await alarmAt(scene.stub, KEEP_MS + 1_000);
    await eventually(async () => expect(await rows(scene.stub)).toBe(0));
    return { ...scene, before };
  }

  function alarmSet(stub: ReturnType<typeof coordinatorOf>): Promise<number> {
    return runInDurableObject(stub, async (_, { storage }) => (await storage.getAlarm()) ?? 0);
  }
});
