/** From a real execution over the real queue to a real receiver. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  webhookDeliverySchema,
  webhookDetailSchema,
  webhookWithSecretSchema,
} from "#protocol/api/webhooks.ts";
import { runbookOf, type Tenant } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();
let tenant: Tenant;
let server: Server;
let url: string;
const received: { headers: IncomingHttpHeaders; body: string }[] = [];
/** What is answered next; then 204. */
const answers: number[] = [];

beforeAll(async () => {
  tenant = await world().signUp();
  await world().startAgent(tenant);
  server = createServer(async (request, response) => {
    received.push({ headers: request.headers, body: await text(request) });
    response.writeHead(answers.shift() ?? 204).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${z.object({ port: z.number() }).parse(server.address()).port}/hook`;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
});

test("[fault 39] each end of an execution reaches the receiver once, signed, also through a failure of it", async () => {
  const webhook = await tenant.api.call(webhookWithSecretSchema, "POST", "/webhooks", {
    body: { name: "receiver", url, events: ["execution.finished"] },
  });
  const path = `/webhooks/${webhook.id}`;
  const tried = await tenant.api.call(webhookDeliverySchema, "POST", `${path}/test`);
  expect(tried).toMatchObject({ state: "delivered", status: 204 });

  const run = async () => {
    const execution = await tenant.run(runbookOf({ look: "echo output stays here" }));
    await execution.finished();
    await vi.waitFor(
      async () => {
        const { deliveries } = await tenant.api.call(webhookDetailSchema, "GET", path);
        expect(deliveries[0]).toMatchObject({ subject: execution.id, state: "delivered" });
      },
      { timeout: 30_000, interval: 100 },
    );
    return execution.id;
  };
  const first = await run();
  answers.push(503);
  const second = await run();
  const third = await run();

  const about = received.map(({ headers, body }) => ({
    id: headers["webhook-id"],
    subject: z.object({ data: z.record(z.string(), z.unknown()) }).parse(JSON.parse(body)).data.executionId,
  }));
  const subjects = about.map(({ subject }) => subject);
  expect(subjects).toEqual([undefined, first, second, second, third]);
  expect(new Set(about.map(({ id }) => id)).size).toBe(4);
  expect(about[2]?.id).toBe(about[3]?.id);
  const key = Buffer.from(webhook.secret.slice("whsec_".length), "base64");
  for (const { headers, body } of received) {
    const content = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    const signature = createHmac("sha256", key).update(content).digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${signature}`);
    expect(body).not.toContain("output stays here");
  }
  expect(JSON.parse(received[1]?.body ?? "")).toMatchObject({
    type: "execution.finished",
    data: { state: "succeeded", confirmed: true, url: `${world().url}/executions/${first}` },
  });
});
