/** Runbooks that start runbooks: what is refused before anything runs. */
import { beforeEach, describe, expect, test } from "vitest";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { problemSchema } from "#protocol/errors.ts";
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
