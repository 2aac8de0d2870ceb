import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  type Runbook,
  runbookSchema,
  runbookSummarySchema,
  versionSchema,
  versionSummarySchema,
} from "#protocol/api/runbooks.ts";
import { digestOf } from "#protocol/digest.ts";
import { problemIssueSchema, problemSchema } from "#protocol/errors.ts";
import { type Answer, call, dataOf, type Person, signUp } from "./harness.ts";

const sourceOf = (title: string, script = "uptime") =>
  `---\ntitle: ${title}\n---\n\nLook first.\n\n\`\`\`bash {name=check}\n${script}\n\`\`\`\n`;

let person: Person;
beforeAll(async () => {
  person = await signUp();
});

const post = (source: string) =>
  call("/api/v1/runbooks", { method: "POST", key: person.key, body: { source } });
const create = async (title: string) => dataOf(await post(sourceOf(title)), runbookSchema);
const put = (id: string, source: string, ifMatch?: string) =>
  call(`/api/v1/runbooks/${id}`, {
    method: "PUT",
    key: person.key,
    body: { source },
    headers: ifMatch === undefined ? {} : { "if-match": ifMatch },
  });
const get = (path: string) => call(`/api/v1/runbooks${path}`, { key: person.key });
const codeOf = (answer: Answer) => problemSchema.parse(answer.json).code;
const cursorOf = (answer: Answer) =>
  z.object({ metadata: z.object({ nextCursor: z.string().optional() }) }).parse(answer.json).metadata
    .nextCursor;

describe("creating", () => {
  test("counts as steps whatever does something or asks somebody, not plain text", async () => {
    const source =
      "# Mixed\n\nRead this.\n\n```farhand\nkind: instruction\nmarkdown: Done?\nacknowledge: true\n```\n\n```farhand\nkind: timer\nduration: 1s\n```\n";
    expect(dataOf(await post(source), runbookSchema).stepCount).toBe(2);
  });

  test("answers with the runbook, its version, its place and its ETag", async () => {
    const answer = await post(sourceOf("Check disks"));
    expect(answer.status).toBe(201);
    const runbook = dataOf(answer, runbookSchema);
    expect(runbook).toMatchObject({ title: "Check disks", latestVersion: 1, stepCount: 1 });
    expect(runbook.version.createdBy.type).toBe("api_key");
    expect(runbook.version.contentHash).toBe(await digestOf(runbook.version.document));
    expect(answer.headers.get("location")).toBe(`/api/v1/runbooks/${runbook.id}`);
    expect(answer.headers.get("etag")).toBe('"1"');
    expect(dataOf(await get(`/${runbook.id}`), runbookSchema)).toEqual(runbook);
  });

  test("takes Markdown as it is, also for updates and for a look, and says so in its description", async () => {
    const headers = { "content-type": "text/markdown; charset=utf-8" };
    const send = (method: string, path: string, raw: string, more: Record<string, string> = {}) =>
      call(`/api/v1/runbooks${path}`, { method, key: person.key, raw, headers: { ...headers, ...more } });
    const made = dataOf(await send("POST", "", sourceOf("Sent as it is")), runbookSchema);
    expect(made.version.source).toBe(sourceOf("Sent as it is"));
    const next = sourceOf("Sent as it is", "date");
    const changed = dataOf(await send("PUT", `/${made.id}`, next, { "if-match": '"1"' }), runbookSchema);
    expect([changed.latestVersion, changed.version.source]).toEqual([2, next]);
    expect((await send("POST", "/parse", next)).json).toMatchObject({ data: { ok: true } });
    expect(codeOf(await send("POST", "", ""))).toBe("invalid_request");
    const pools = await call("/api/v1/pools", { method: "POST", key: person.key, raw: "x", headers });
    expect([pools.status, codeOf(pools)]).toEqual([415, "unsupported_media_type"]);
    const described = JSON.stringify((await call("/api/v1/openapi.json")).json);
    expect(described).toContain('"text/markdown":{"schema":{"type":"string"}}');
  });

  test("a source that is no runbook is refused with line and column, and nothing is stored", async () => {
    const before = await env.DB.prepare("SELECT count(*) AS n FROM runbooks").first("n");
    const answer = await post("---\ntitle: X\n---\n\n```bash {nonsense=1}\nls\n```\n");
    expect([answer.status, codeOf(answer)]).toEqual([422, "invalid_runbook"]);
    expect(problemSchema.parse(answer.json).issues?.[0]).toMatchObject({
      line: expect.any(Number),
      column: expect.any(Number),
    });
    expect(await env.DB.prepare("SELECT count(*) AS n FROM runbooks").first("n")).toBe(before);
  });

  test("parsing stores nothing and tells the document or the problems", async () => {
    const parse = (source: string) =>
      call("/api/v1/runbooks/parse", { method: "POST", key: person.key, body: { source } });
    const result = z.object({ ok: z.boolean() });
    expect(dataOf(await parse(sourceOf("Fine")), result).ok).toBe(true);
    const warned = z.object({ warnings: z.array(problemIssueSchema) });
    expect(dataOf(await parse(sourceOf("Pasted", "$ uptime")), warned).warnings).toMatchObject([
      { line: 8, column: 1, message: expect.stringContaining("prompt") },
    ]);
    expect(dataOf(await parse("```bash {nonsense=1}\nls\n```"), result).ok).toBe(false);
  });
});

describe("updating", () => {
  test("makes a new version; the old one stays as it was", async () => {
    const first = await create("One");
    const answer = await put(first.id, sourceOf("Two"), '"1"');
    expect([answer.status, answer.headers.get("etag")]).toEqual([200, '"2"']);
    const second = dataOf(answer, runbookSchema);
    expect(second).toMatchObject({ title: "Two", latestVersion: 2 });
    expect(second.version.source).toBe(sourceOf("Two"));
    const old = dataOf(await get(`/${first.id}/versions/1`), versionSchema);
    expect(old).toEqual(first.version);
    const versions = dataOf(await get(`/${first.id}/versions`), z.array(versionSummarySchema));
    expect(versions.map((version) => version.number)).toEqual([2, 1]);
  });

  test("needs to say what it is based on, and that must be the latest", async () => {
    const runbook = await create("Guarded");
    const missing = await put(runbook.id, sourceOf("A"));
    expect([missing.status, codeOf(missing)]).toEqual([428, "precondition_required"]);
    const stale = await put(runbook.id, sourceOf("A"), '"7"');
    expect([stale.status, codeOf(stale)]).toEqual([412, "precondition_failed"]);
    const garbage = await put(runbook.id, sourceOf("A"), "1");
    expect([garbage.status, codeOf(garbage)]).toEqual([400, "invalid_request"]);
    expect((await put(runbook.id, sourceOf("A"), 'W/"0", "1"')).status).toBe(200);
    expect((await put(runbook.id, sourceOf("B"), "*")).status).toBe(200);
  });

  test("with the same source changes nothing", async () => {
    const runbook = await create("Same");
    const again = dataOf(await put(runbook.id, sourceOf("Same"), '"1"'), runbookSchema);
    expect(again).toEqual(runbook);
  });

  test("of ten at once on one version exactly one wins, and no number is given twice", async () => {
    const runbook = await create("Race");
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => put(runbook.id, sourceOf(`Race ${i}`), '"1"')),
    );
    const statuses = answers.map((answer) => answer.status).sort();
    expect(statuses).toEqual([200, ...Array(9).fill(412)]);
    const versions = dataOf(await get(`/${runbook.id}/versions`), z.array(versionSummarySchema));
    expect(versions.map((version) => version.number)).toEqual([2, 1]);
  });
});

describe("deleting", () => {
  test("hides the runbook everywhere and keeps its rows", async () => {
    const runbook = await create("Gone");
    const remove = () => call(`/api/v1/runbooks/${runbook.id}`, { method: "DELETE", key: person.key });
    expect((await remove()).status).toBe(200);
    for (const path of ["", "/versions", "/versions/1"]) {
      expect((await get(`/${runbook.id}${path}`)).status).toBe(404);
    }
    expect((await put(runbook.id, sourceOf("Back"), '"1"')).status).toBe(404);
    expect((await remove()).status).toBe(404);
    const listed = dataOf(await get(""), z.array(runbookSummarySchema));
    expect(listed.map((each) => each.id)).not.toContain(runbook.id);
    const kept = await env.DB.prepare("SELECT count(*) AS n FROM runbook_versions WHERE runbook_id = ?")
      .bind(runbook.id)
      .first("n");
    expect(kept).toBe(1);
  });
});

describe("listing", () => {
  test("pages through everything once, last changed first", async () => {
    const owner = await signUp();
    const made: Runbook[] = [];
    for (let i = 0; i < 5; i++) {
      const answer = await call("/api/v1/runbooks", {
        method: "POST",
        key: owner.key,
        body: { source: sourceOf(`Number ${i}`) },
      });
      made.push(dataOf(answer, runbookSchema));
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const query = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await call(`/api/v1/runbooks?limit=2${query}`, { key: owner.key });
      seen.push(...dataOf(page, z.array(runbookSummarySchema)).map((each) => each.id));
      cursor = cursorOf(page);
    } while (cursor !== undefined);
    expect(seen).toEqual(made.map((each) => each.id).reverse());
  });

  test.each(["nonsense", "e30", "eyJ1cGRhdGVkQXQiOiJ4IiwiaWQiOjF9", "%00", "a".repeat(400)])(
    "a cursor that is none of ours is refused: %s",
    async (cursor) => {
      const answer = await get(`?cursor=${cursor}`);
      expect([answer.status, codeOf(answer)]).toEqual([400, "invalid_cursor"]);
    },
  );
});
