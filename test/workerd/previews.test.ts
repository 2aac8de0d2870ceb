/** Plans without effects, comparing and rolling back versions, locks, and other names of operations. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { comparisonSchema } from "#protocol/api/differences.ts";
import { executionSchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { namedLockSchema } from "#protocol/api/locks.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { previewSchema } from "#protocol/api/previews.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { problemSchema } from "#protocol/errors.ts";
import { newId } from "#protocol/ids.ts";
import { planDigest } from "#protocol/plan.ts";
import { type Answer, call, dataOf, type Person, signUp } from "./harness.ts";
import { obligingAgent } from "./obligingAgent.ts";
import { connectAgent } from "./scriptedAgent.ts";

const fence = (name: string, script = "true") => `\`\`\`bash {name=${name}}\n${script}\n\`\`\`\n`;
const sourceOf = (...blocks: string[]) => `---
title: Deploy
parameters:
  - name: version
    type: string
    default: "1"
---

${blocks.join("\n")}`;

let person: Person;
let poolId: string;
const api = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  call(`/api/v1${path}`, { method, key: person.key, body, headers });
const problemOf = (answer: Answer) => problemSchema.parse(answer.json);
const create = async (...blocks: string[]) =>
  dataOf(await api("POST", "/runbooks", { source: sourceOf(...blocks) }), runbookSchema).id;
const update = async (id: string, ...blocks: string[]) =>
  dataOf(
    await api("PUT", `/runbooks/${id}`, { source: sourceOf(...blocks) }, { "if-match": "*" }),
    runbookSchema,
  );
const preview = async (id: string, body: unknown = {}) =>
  dataOf(await api("POST", `/runbooks/${id}/plan`, body), previewSchema);
const read = async (id: string) => dataOf(await api("GET", `/executions/${id}`), executionSchema);

beforeAll(async () => {
  person = await signUp();
  const [pool] = dataOf(await api("GET", "/pools"), z.array(poolSchema));
  poolId = pool?.id ?? "";
});

describe("a plan to look at", () => {
  test("tells what would run where, is marked as a preview, and has no effect", async () => {
    const id = await create(
      fence("a"),
      fence("b"),
      "```farhand\nkind: approval\nname: ok\nrequired: 2\n```\n",
    );
    const seen = await preview(id, {
      range: { from: "b" },
      labels: { role: "db" },
      parameters: { version: "2" },
    });
    expect(seen.plan).toMatchObject({
      nonce: "preview",
      parameters: { version: "2" },
      target: { labels: { role: "db" } },
    });
    expect(seen.plan.expiresAt).toBeLessThan(Date.now());
    expect(seen.planDigest).toBe(await planDigest(seen.plan));
    expect(
      (await preview(id, { range: { from: "b" }, labels: { role: "db" }, parameters: { version: "2" } }))
        .planDigest,
    ).toBe(seen.planDigest);
    expect(seen.steps.map((step) => [step.id, step.skipped !== undefined])).toEqual([
      ["a", true],
      ["b", false],
      ["ok", false],
    ]);
    expect(seen.targets).toMatchObject([
      { poolName: "default", labels: { role: "db" }, interpreters: ["bash"], matching: 0 },
    ]);
    expect(seen.missing).toEqual(['No agent with role=db is connected in the pool "default".']);
    expect(seen.questions).toMatchObject([{ step: "ok", for: "approval", required: 2 }]);
    expect([seen.expected, seen.difference]).toEqual([undefined, undefined]);
    const rows = await env.DB.prepare("SELECT count(*) AS n FROM executions WHERE runbook_id = ?")
      .bind(id)
      .first("n");
    expect(rows).toBe(0);
  });

  test("says of agents that only drain that they are there", async () => {
    const lab = dataOf(await api("POST", "/pools", { name: "lab" }), poolSchema);
    const place = { organizationId: person.organizationId, poolId: lab.id, agentId: newId("agent") };
    await connectAgent(place, { draining: true });
    const seen = await preview(await create(fence("a")), { pool: "lab" });
    expect(seen.targets).toMatchObject([{ poolName: "lab", matching: 0, draining: 1 }]);
    expect(seen.missing).toEqual([
      'No agent in the pool "lab" takes work now: scripted is draining; `farhand-agent undrain` on its host, or the end of an update, has it take work again.',
    ]);
  });

  test("tells who is there, how long it took before, and what is different since", async () => {
    const place = { organizationId: person.organizationId, poolId, agentId: newId("agent") };
    await obligingAgent(place);
    const id = await create(fence("a"), fence("b"));
    const started = dataOf(await api("POST", `/runbooks/${id}/executions`, {}), executionSummarySchema);
    await expect.poll(async () => (await read(started.id)).state).toBe("succeeded");
    await update(id, fence("b", "false"), fence("c"));
    const look = () => preview(id, { parameters: { version: "2" } });
    await expect.poll(async () => (await look()).expected?.executions).toBe(1);
    const seen = await look();
    expect(seen.targets).toMatchObject([
      { matching: 1, free: 1, agents: [{ id: place.agentId, name: "scripted", busy: false }] },
    ]);
    expect(seen.missing).toEqual([]);
    expect(seen.expected?.durationMs).toBe((await read(started.id)).durationMs);
    expect(seen.difference).toMatchObject({
      executionId: started.id,
      versionNumber: 1,
      parameters: [{ name: "version", before: "1", after: "2" }],
      blocks: {
        added: [{ id: "c" }],
        removed: [{ id: "a" }],
        changed: [{ id: "b", fields: ["script"] }],
        moved: [],
      },
    });
  });

  test("names interpreters that agents have said they do not have, and says nothing of those nobody tells about", async () => {
    const pool = dataOf(await api("POST", "/pools", { name: "tools" }), poolSchema).id;
    const place = { organizationId: person.organizationId, poolId: pool, agentId: newId("agent") };
    await connectAgent(place, { interpreters: ["sh", "python3"] });
    const scripts = ["sh", "pwsh", "erlang"].map(
      (name) =>
        `\`\`\`farhand\nkind: command\ninterpreter: ${name}\nscript: x\ntarget: { pool: tools }\n\`\`\`\n`,
    );
    const id = await create(...scripts);
    const look = async () => (await preview(id)).missing;
    expect(await look()).toEqual(['No connected agent in the pool "tools" has pwsh.']);
    await connectAgent({ ...place, agentId: newId("agent") }, { interpreters: ["sh", "pwsh"] });
    expect(await look()).toEqual(['1 of 2 connected agents in the pool "tools" do not have pwsh.']);
  });

  test("has pools, blocks and parameters that are called as what every object has", async () => {
    const block = `\`\`\`farhand\nkind: command\nname: constructor\ninterpreter: sh\nscript: "true"\ntarget:\n  pool: constructor\n\`\`\`\n`;
    const parameter = "- name: constructor\n    type: string\n    required: false";
    const source = `---\ntitle: Odd\nparameters:\n  ${parameter}\n---\n\n${block}`;
    const made = await api("POST", "/runbooks", { source });
    const { id } = dataOf(made, runbookSchema);
    const missing = await api("POST", `/runbooks/${id}/plan`, {});
    expect(problemOf(missing).code).toBe("no_such_pool");
    const pool = dataOf(await api("POST", "/pools", { name: "constructor" }), poolSchema);
    const place = { organizationId: person.organizationId, poolId: pool.id, agentId: newId("agent") };
    await obligingAgent(place);
    const started = dataOf(await api("POST", `/runbooks/${id}/executions`, {}), executionSummarySchema);
    await expect.poll(async () => (await read(started.id)).state).toBe("succeeded");
    expect((await read(started.id)).steps[0]?.agentId).toBe(place.agentId);
    const look = () => preview(id, { parameters: { constructor: "x" } });
    await expect.poll(async () => (await look()).difference?.executionId).toBe(started.id);
    const { plan, targets, difference } = await look();
    expect(plan.pools).toEqual({ constructor: pool.id });
    expect(targets).toMatchObject([{ poolName: "constructor", matching: 1 }]);
    expect(difference?.parameters).toEqual([{ name: "constructor", after: "x" }]);
  });

  test.each([
    [{ parameters: { nope: 1 } }, 422, "invalid_parameters"],
    [{ pool: "nowhere" }, 422, "no_such_pool"],
    [{ version: 9 }, 404, "not_found"],
    [{ range: { from: "nope" } }, 422, "invalid_parameters"],
  ])("is refused like the trigger for %j", async (body, status, code) => {
    const id = await create(fence("a"));
    for (const path of ["plan", "executions"]) {
      const answer = await api("POST", `/runbooks/${id}/${path}`, body);
      expect([path, answer.status, problemOf(answer).code]).toEqual([path, status, code]);
    }
  });
});

describe("versions", () => {
  test("beside each other show what is different, and a diff of their sources", async () => {
    const id = await create(fence("a"), fence("b"));
    await update(id, fence("b", "false"), fence("c"));
    const compare = (query: string) => api("GET", `/runbooks/${id}/compare?${query}`);
    const seen = dataOf(await compare("from=1&to=2"), comparisonSchema);
    expect(seen).toMatchObject({
      same: false,
      blocks: {
        added: [{ id: "c" }],
        removed: [{ id: "a" }],
        changed: [{ id: "b", fields: ["script"] }],
        moved: [],
      },
      parameters: { added: [], removed: [], changed: [] },
      settings: [],
    });
    expect(seen.diff).toContain("--- version 1");
    expect(seen.diff).toContain("-```bash {name=a}");
    expect(dataOf(await compare("from=2&to=2"), comparisonSchema)).toMatchObject({
      same: true,
      blocks: { changed: [] },
    });
    expect((await compare("from=1&to=9")).status).toBe(404);
    expect((await compare("from=1")).status).toBe(400);
  });

  test("roll back into a new version, unless somebody changed it meanwhile", async () => {
    const id = await create(fence("a"));
    await update(id, fence("b"));
    const rollback = (version: unknown, headers: Record<string, string> = { "if-match": '"2"' }) =>
      api("POST", `/runbooks/${id}/rollback`, { version }, headers);
    expect((await rollback(1, {})).status).toBe(428);
    expect((await rollback(1, { "if-match": '"1"' })).status).toBe(412);
    expect((await rollback(7)).status).toBe(404);
    expect((await rollback(newId("version"))).status).toBe(404);
    expect((await rollback("x")).status).toBe(400);
    const answer = await rollback(1);
    const rolled = dataOf(answer, runbookSchema);
    expect([rolled.latestVersion, rolled.version.source, answer.headers.get("etag")]).toEqual([
      3,
      sourceOf(fence("a")),
      '"3"',
    ]);
    const same = dataOf(await rollback(rolled.version.id, { "if-match": "*" }), runbookSchema);
    expect(same.latestVersion).toBe(3);
  });
});

describe("locks", () => {
  test("are listed with who has them and who waits", async () => {
    const locks = env.ORGANIZATION_LOCKS.getByName(person.organizationId);
    const executions = [];
    for (const name of ["a", "b"]) {
      const id = await create(fence(name));
      const headers = { "idempotency-key": crypto.randomUUID() };
      executions.push(
        dataOf(await api("POST", `/runbooks/${id}/executions`, {}, headers), executionSummarySchema).id,
      );
    }
    const [first = "", second = ""] = executions;
    const wish = {
      step: "",
      title: "Deploy",
      locks: [{ name: "db", mode: "exclusive" as const }],
      slot: false,
    };
    await locks.acquireLocks({ executionId: first, ...wish });
    await locks.acquireLocks({ executionId: second, ...wish });
    const listed = dataOf(await api("GET", "/locks"), z.array(namedLockSchema));
    expect(listed).toMatchObject([
      { name: "db", holders: [{ executionId: first, title: "Deploy" }], waiting: [{ executionId: second }] },
    ]);
    await locks.releaseLocks(first, "");
    await locks.releaseLocks(second, "");
  });
});

describe("other names of operations", () => {
  test("do what those do that they stand for", async () => {
    const id = await create(fence("a"));
    const far = { pool: undefined, labels: { nobody: "here" } };
    const started = [
      await api("POST", `/runbooks/${id}/execute`, far),
      await api("POST", "/execute", { runbookId: id, ...far }),
    ].map((answer) => {
      expect(answer.status).toBe(201);
      return dataOf(answer, executionSummarySchema).id;
    });
    const [one = "", other = ""] = started;
    const control = (action: string) => api("POST", `/executions/${one}/control`, { action });
    expect((await control("pause")).status).toBe(200);
    expect(problemOf(await control("pause")).code).toBe("invalid_state");
    expect((await control("resume")).status).toBe(200);
    expect((await control("stop")).status).toBe(200);
    expect((await control("explode")).status).toBe(400);
    expect((await api("POST", `/${other}/cancel`, {})).status).toBe(200);
    await expect.poll(async () => (await read(other)).state).toBe("canceled");
    expect((await api("GET", `/result/${other}`)).status).toBe(200);
    expect((await api("GET", `/events/executions/${other}`)).status).toBe(200);
    expect((await api("POST", `/${other}/retry`, {})).status).toBe(201);
    await expect.poll(async () => (await api("GET", "/user/executions")).text).toContain(other);
    expect((await api("DELETE", `/${other}`)).status).toBe(200);
    await update(id, fence("b"));
    const rolled = await api("POST", `/runbooks/${id}/versions/1/rollback`, undefined, { "if-match": "*" });
    expect(dataOf(rolled, runbookSchema).latestVersion).toBe(3);
  });

  test("take no address that is none of theirs", async () => {
    for (const path of ["/nonsense", "/nonsense/cancel", "/exe_x/nonsense"]) {
      expect([path, (await api("POST", path, {})).status]).toEqual([path, 404]);
    }
    expect((await api("POST", "/execute", {})).status).toBe(400);
    expect((await api("GET", `/${newId("execution")}/cancel`)).headers.get("allow")).toBe("POST");
  });

  test("stand in the document as deprecated", async () => {
    const paths = z.object({
      paths: z.record(z.string(), z.record(z.string(), z.object({ deprecated: z.boolean().optional() }))),
    });
    const document = paths.parse((await call("/api/v1/openapi.json")).json);
    expect(document.paths["/api/v1/runbooks/{runbookId}/execute"]?.post?.deprecated).toBe(true);
    expect(document.paths["/api/v1/{executionId}/cancel"]?.post?.deprecated).toBe(true);
    expect(document.paths["/api/v1/runbooks/{runbookId}/executions"]?.post?.deprecated).toBeUndefined();
  });
});
