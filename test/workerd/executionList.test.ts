/** Finding executions: every filter of the list, alone and together. */
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { executionSummarySchema } from "#protocol/api/executions.ts";
import { meSchema } from "#protocol/api/keys.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { problemSchema } from "#protocol/errors.ts";
import { newId } from "#protocol/ids.ts";
import { eventually } from "./eventually.ts";
import { call, dataOf, makeKey, ORIGIN, type Person, signUp } from "./harness.ts";
import { obligingAgent } from "./obligingAgent.ts";

const sourceOf = (title: string, name: string) =>
  `---\ntitle: "${title}"\n---\n\n\`\`\`bash {name=${name}}\ntrue\n\`\`\`\n`;

let person: Person;
let secondKey: string;
let secondKeyId: string;
let cleanId: string;
/** Ids of executions by what they are. */
const ids: Record<string, string> = {};
const agentId = newId("agent");

const list = async (query: string) => {
  const answer = await call(`/api/v1/executions?${query}`, { key: person.key });
  const found = dataOf(answer, z.array(executionSummarySchema)).map(({ id }) => id);
  return Object.keys(ids).filter((name) => found.includes(ids[name] ?? ""));
};
/** The index follows a moment later. */
const expectList = (query: string, names: string[]) =>
  eventually(async () => expect([query, await list(query)]).toEqual([query, names]));

beforeAll(async () => {
  person = await signUp();
  secondKey = await makeKey(person, ["executions:write", "executions:read"]);
  secondKeyId = dataOf(await call("/api/v1/me", { key: secondKey }), meSchema).actor.id;
  const [pool] = dataOf(await call("/api/v1/pools", { key: person.key }), z.array(poolSchema));
  const place = { organizationId: person.organizationId, poolId: pool?.id ?? "", agentId };
  await obligingAgent(place, (step) =>
    step === "fails" ? { exitCode: 1 } : step === "stays" ? undefined : {},
  );
  const runbook = async (title: string, name: string) => {
    const body = { source: sourceOf(title, name) };
    return dataOf(await call("/api/v1/runbooks", { method: "POST", key: person.key, body }), runbookSchema)
      .id;
  };
  const start = async (
    name: string,
    path: string,
    as: { key: string } | { cookie: string },
    body: unknown = {},
  ) => {
    const answer = await call(`/api/v1${path}`, { method: "POST", ...as, body, headers: { origin: ORIGIN } });
    ids[name] = dataOf(answer, executionSummarySchema).id;
  };
  cleanId = await runbook("Clean the 100% full disk_1", "works");
  await start("good", `/runbooks/${cleanId}/executions`, { key: person.key });
  await start("bad", `/runbooks/${await runbook("Restart", "fails")}/executions`, { key: secondKey });
  await start("open", `/runbooks/${await runbook("Stay", "stays")}/executions`, { cookie: person.cookie });
  const nowhere = await runbook("Wait for nobody", "waits");
  await start("queued", `/runbooks/${nowhere}/executions`, { key: person.key }, { labels: { no: "body" } });
  await expectList("state=failed", ["bad"]);
  await start("retried", `/executions/${ids.bad}/retry`, { cookie: person.cookie });
  await expectList("state=failed", ["bad", "retried"]);
  await expectList("state=succeeded", ["good"]);
});

describe("the list of executions", () => {
  test("by states, several at once, ended and not", async () => {
    await expectList("state=succeeded,failed", ["good", "bad", "retried"]);
    await expectList("state=succeeded,running,queued", ["good", "open", "queued"]);
    await expectList("state=running", ["open"]);
    await expectList("state=queued,failed", ["bad", "queued", "retried"]);
    await expectList("state=canceled", []);
    const answer = await call("/api/v1/executions?state=failed,nonsense", { key: person.key });
    expect(answer.status).toBe(400);
    expect(problemSchema.parse(answer.json).detail).toContain('"nonsense"');
  });

  test("by runbook, and by what started it", async () => {
    await expectList(`runbookId=${cleanId}`, ["good"]);
    await expectList("trigger=retry", ["retried"]);
    await expectList("trigger=api_key", ["good", "bad", "queued"]);
    await expectList("trigger=user", ["open"]);
    expect((await call("/api/v1/executions?trigger=magic", { key: person.key })).status).toBe(400);
  });

  test("by who started it: a person, also through keys; or one key", async () => {
    await expectList(`person=${person.userId}`, ["good", "bad", "open", "queued", "retried"]);
    await expectList(`person=${secondKeyId}`, ["bad"]);
    await expectList(`person=${newId("user")}`, []);
    await expectList("mine=1", ["good", "bad", "open", "queued", "retried"]);
  });

  test("by agent, whether it has ended or not", async () => {
    await expectList(`agentId=${agentId}`, ["good", "bad", "open", "retried"]);
    await expectList(`agentId=${newId("agent")}`, []);
  });

  test("by time", async () => {
    const answer = await call(`/api/v1/executions/${ids.open}`, { key: person.key });
    const at = encodeURIComponent(dataOf(answer, executionSummarySchema.loose()).createdAt);
    await expectList(`since=${at}`, ["open", "queued", "retried"]);
    await expectList(`until=${at}`, ["good", "bad"]);
    await expectList(`since=${at}&until=${at}`, []);
    expect((await call("/api/v1/executions?since=yesterday", { key: person.key })).status).toBe(400);
  });

  test("by text in the title, in any case, with nothing in it that means more than itself", async () => {
    await expectList("text=CLEAN", ["good"]);
    await expectList(`text=${encodeURIComponent("100% full")}`, ["good"]);
    await expectList("text=%25", ["good"]);
    await expectList("text=disk_1", ["good"]);
    await expectList("text=d_sk", []);
    await expectList("text=%27%22", []);
  });

  test("by several things at once, page by page", async () => {
    await expectList("trigger=api_key&state=failed&text=restart", ["bad"]);
    const found: string[] = [];
    for (let cursor = ""; ; ) {
      const answer = await call(`/api/v1/executions?mine=1&limit=2${cursor}`, { key: person.key });
      found.push(...dataOf(answer, z.array(executionSummarySchema)).map(({ id }) => id));
      const { metadata } = z
        .object({ metadata: z.object({ nextCursor: z.string().optional() }) })
        .parse(answer.json);
      if (metadata.nextCursor === undefined) break;
      cursor = `&cursor=${metadata.nextCursor}`;
    }
    expect(found).toEqual([ids.retried, ids.queued, ids.open, ids.bad, ids.good]);
  });
});
