/** Runbooks that start runbooks: what is refused before anything runs, and how many there may be. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { executionSchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { problemSchema } from "#protocol/errors.ts";
import { CHILD_EXECUTIONS_MAX } from "#protocol/limits.ts";
import { coordinatorName } from "../../worker/execution/contract.ts";
import { eventually } from "./eventually.ts";
import { call, dataOf, type Person, signUp } from "./harness.ts";

let person: Person;
beforeEach(async () => {
  person = await signUp();
});

const api = (method: string, path: string, body?: unknown) =>
  call(`/api/v1${path}`, { method, key: person.key, body });

/** A runbook that starts these others, by title. */
async function create(title: string, starts: string[], front = ""): Promise<string> {
  const blocks = starts.map(
    (each, n) => `\`\`\`farhand\nkind: runbook\nname: r${n}\nrunbook: ${each}\n\`\`\`\n`,
  );
  const source = `---\ntitle: ${title}\n${front}---\n\nText\n\n${blocks.join("\n")}`;
  return dataOf(await api("POST", "/runbooks", { source }), runbookSchema).id;
}

async function start(runbookId: string): Promise<string | number> {
  const answer = await api("POST", `/runbooks/${runbookId}/executions`, {});
  return answer.status === 201 ? 201 : problemSchema.parse(answer.json).detail;
}

describe("runbooks that start each other", () => {
  test("do so five deep, in whatever order they are named", async () => {
    await create("L6", []);
    for (const n of [5, 4, 3, 2, 1]) await create(`L${n}`, [`L${n + 1}`]);
    expect(await start(await create("five", ["L2"]))).toBe(201);
    const tooDeep = expect.stringContaining("5 deep");
    expect(await start(await create("six", ["L1"]))).toEqual(tooDeep);
    expect(await start(await create("shallow first", ["L3", "L2", "L1"]))).toEqual(tooDeep);
  });

  test("may not ask for a lock that the one above holds", async () => {
    await create("Inner", [], "locks: [db]\n");
    await create("Between", ["Inner"]);
    expect(await start(await create("free", ["Between"], "locks: [other]\n"))).toBe(201);
    const said = await start(await create("Outer", ["Between"], "locks: [db]\n"));
    expect(said).toBe(
      '"r0" starts the runbook "Inner", which asks for the lock "db". The execution holds it then, and would wait for itself; ask for it in one place only.',
    );
  });
});

describe("executions that others start", () => {
  const read = async (id: string) => dataOf(await api("GET", `/executions/${id}`), executionSchema);
  const coordinator = (id: string) =>
    env.EXECUTION_COORDINATOR.getByName(coordinatorName(person.organizationId, id));
  const begin = async (runbookId: string) =>
    dataOf(await api("POST", `/runbooks/${runbookId}/executions`, {}), executionSummarySchema).id;

  test("are counted by the one at the top, all levels together", async () => {
    await create("Leaf", []);
    await create("Middle", ["Leaf", "Leaf"]);
    const id = await begin(await create("Top", ["Middle", "Middle"]));
    await eventually(async () => expect((await read(id)).state).toBe("succeeded"));
    const count = await runInDurableObject(coordinator(id), (_, { storage }) =>
      Number(storage.sql.exec("SELECT COUNT(*) AS n FROM children").one().n),
    );
    expect(count).toBe(6);
  });

  test("are a thousand at most, and the step says so", async () => {
    await create("Leaf", []);
    const middle = await create("Middle", ["Leaf"]);
    const source = `# Top\n\n\`\`\`farhand\nkind: instruction\nname: wait\nmarkdown: Look\nacknowledge: true\n\`\`\`\n\n\`\`\`farhand\nkind: runbook\nname: go\nrunbook: ${middle}\n\`\`\`\n`;
    const id = await begin(dataOf(await api("POST", "/runbooks", { source }), runbookSchema).id);
    await runInDurableObject(coordinator(id), (_, { storage }) => {
      storage.sql.exec("CREATE TABLE IF NOT EXISTS children (id TEXT PRIMARY KEY)");
      for (let n = 1; n < CHILD_EXECUTIONS_MAX; n++)
        storage.sql.exec("INSERT INTO children VALUES (?)", `${n}`);
    });
    await api("POST", `/executions/${id}/steps/wait/acknowledge`, {});
    await eventually(async () => expect((await read(id)).state).toBe("failed"));
    const detail = (await read(id)).steps.find((each) => each.id === "go")?.detail;
    expect(detail).toContain("at most 1000 others");
  });
});
