/** Executions whose steps hand on as much as they may: everything that people ask of them works. */

import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { executionResultSchema, executionSchema, stepSchema } from "#protocol/api/executions.ts";
import { FRAME_MAX_BYTES, HELD_MAX_BYTES, VIEWER_WINDOW_BYTES } from "#protocol/limits.ts";
import { tenantDb } from "../../worker/db/tenant.ts";
import { call, dataOf, type Person, signUp } from "./harness.ts";
import {
  Attempt,
  acceptOffer,
  command,
  connectAgent,
  coordinatorOf,
  newExecution,
  newPlace,
  openData,
  openViewer,
  type Place,
} from "./scriptedAgent.ts";

const COUNT = 140;
let person: Person;
let place: Place;
let executionId: string;

beforeAll(async () => {
  person = await signUp();
  place = { ...newPlace(), organizationId: person.organizationId };
  const control = await connectAgent(place);
  const ids = Array.from({ length: COUNT }, (_, at) => `s${at}`);
  const execution = await newExecution(
    place,
    ids.map((id) => command(id, { onFailure: "continue" })),
  );
  ({ executionId } = execution);
  await coordinatorOf(place, executionId).create(execution);
  const { lease } = await acceptOffer(control);
  const data = await openData(place, executionId);
  data.send(new Attempt("s0", lease.fence).hello(lease));
  await data.next("welcome");
  for (const [at, id] of ids.entries()) {
    const attempt = new Attempt(id, lease.fence);
    data.send(attempt.started());
    data.send({ ...attempt.finished(), values: { v: "x".repeat(62 * 1024) } });
    await data.next("step.recorded", at + 1);
  }
});

const get = (path: string) => call(`/api/v1/executions/${executionId}${path}`, { key: person.key });

describe("values of 8 MiB", () => {
  it("are the most, and all that reads them answers", async () => {
    const { steps } = dataOf(await get(""), executionSchema);
    const held = steps.reduce((sum, { values }) => sum + JSON.stringify(values ?? {}).length, 0);
    expect(held).toBeLessThan(HELD_MAX_BYTES);
    expect(steps.filter(({ state }) => state === "failed").length).toBeGreaterThan(0);
    expect(dataOf(await get("/steps"), z.array(stepSchema))).toHaveLength(COUNT);
    expect(dataOf(await get("/steps/s3"), stepSchema)).toMatchObject({ id: "s3", state: "succeeded" });
    expect(Object.keys(dataOf(await get("/result"), executionResultSchema).values).length).toBeGreaterThan(
      100,
    );
  });

  it("come as pages of events", async () => {
    const page = z.object({ events: z.array(z.object({ seq: z.number() })), head: z.number() });
    let after = 0;
    let pages = 0;
    for (let head = 1; after < head; pages++) {
      const answer = await get(`/events?after=${after}&limit=1000`);
      expect(answer.text.length).toBeLessThan(5 * 1024 * 1024);
      const { events, head: last } = dataOf(answer, page);
      head = last;
      after = events.at(-1)?.seq ?? head;
    }
    expect(pages).toBeGreaterThan(1);
  });

  it("[VW2] [G15] go to viewers in parts, within the window of each", async () => {
    const viewer = await openViewer(place, executionId);
    viewer.send({ type: "subscribe", after: 0, output: { mode: "none" } });
    await viewer.next("mark", 3);
    await viewer.until(() => viewer.messages("view").length > 0);
    const sizes = viewer.frames.map((frame) => JSON.stringify(frame).length);
    expect(Math.max(...sizes)).toBeLessThan(FRAME_MAX_BYTES / 4);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(VIEWER_WINDOW_BYTES + 1024 * 1024);
    const seen = new Set<unknown>();
    for (let count = 0; !viewer.closed; ) {
      const mark = await viewer.until(() => viewer.closed ?? viewer.messages("mark")[count]);
      if ("mark" in mark && !viewer.closed) viewer.send({ type: "seen", mark: mark.mark });
      count++;
    }
    for (const { steps } of viewer.messages("view")) {
      for (const { id } of z.array(z.object({ id: z.string() })).parse(steps)) seen.add(id);
    }
    expect(seen.size).toBe(COUNT);
    expect(viewer.messages("end")).toHaveLength(1);
  });

  it("can be deleted", async () => {
    const answer = await call(`/api/v1/executions/${executionId}`, { method: "DELETE", key: person.key });
    expect(answer.status).toBe(200);
    expect(await tenantDb(env.DB, person.organizationId).executions.list({}, undefined, 10)).toEqual([]);
    expect((await get("")).status).toBe(404);
  });
});
