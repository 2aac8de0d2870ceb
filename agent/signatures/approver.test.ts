import { beforeAll, describe, expect, it } from "vitest";
import type { Block, CommandBlock } from "#protocol/blocks/index.ts";
import type { Plan } from "#protocol/plan.ts";
import type { Signer } from "#protocol/signatures/jws.ts";
import { approvalOf, ids, NOW, person, plannedBy } from "../testing/signed-plan.ts";
import { approvalProblem } from "./approver.ts";
import { type PinnedKeys, pinKeys } from "./pinned.ts";

let bob: Signer;
let bobAtHome: Signer;
let carol: Signer;
let keys: PinnedKeys;
let planned: Plan;
beforeAll(async () => {
  [bob, bobAtHome, carol] = await Promise.all([person("EdDSA"), person("ES256"), person("ES256")]);
  planned = await plannedBy(carol);
  const roles: ["approver"] = ["approver"];
  keys = pinKeys({
    by: "approver",
    keys: [
      { name: "bob", roles, publicKey: bob.publicKey },
      { name: "bob", roles, publicKey: bobAtHome.publicKey },
      { name: "carol", roles, publicKey: carol.publicKey },
    ],
  });
});

const command = (id: string, more: Partial<CommandBlock> = {}): CommandBlock => ({
  ...{ kind: "command", id, interpreter: "sh", script: "true" },
  ...more,
});
const approval = (id: string, more: object = {}): Block => ({ kind: "approval", id, ...more });

/** What is said of a step of a plan of these blocks, once these people have signed these approvals. */
async function problemOf(blocks: Block[], step: string, given: [approval: string, by: Signer][]) {
  const plan: Plan = { ...planned, blocks, finally: [command("clean")] };
  const approvals = await Promise.all(given.map(([path, by]) => approvalOf(plan, by, { step: path })));
  const { executionId } = ids;
  return approvalProblem({ plan, executionId, step, approvals, authors: undefined, now: NOW }, keys)?.detail;
}

describe("[S6] approvals that stand before a step", () => {
  const gates = [
    approval("first"),
    command("a", { compensate: { ...command("undo"), kind: "command" } }),
    approval("second"),
    command("b"),
  ];

  it("have to be signed, each of them", async () => {
    expect(await problemOf(gates, "a", [["first", bob]])).toBeUndefined();
    expect(await problemOf(gates, "b", [["first", bob]])).toMatch(/"second" has 0 of 1/);
    expect(await problemOf(gates, "b", [["second", bob]])).toMatch(/"first" has 0 of 1/);
    const both: [string, Signer][] = [
      ["first", bob],
      ["second", bob],
    ];
    expect(await problemOf(gates, "b", both)).toBeUndefined();
  });

  it("count for what undoes a step as for the step itself, and one of them for what cleans up", async () => {
    expect(await problemOf(gates, "undo", [["second", bob]])).toMatch(/"first" has 0 of 1/);
    expect(await problemOf(gates, "undo", [["first", bob]])).toBeUndefined();
    expect(await problemOf(gates, "clean", [["first", bob]])).toBeUndefined();
    expect(await problemOf(gates, "clean", [])).toMatch(/put an approval before/);
  });

  it("are also those around the list that it is in, and in a loop that of its own round", async () => {
    const nested: Block[] = [
      approval("outer"),
      { kind: "foreach", id: "each", items: "[1, 2]", blocks: [approval("inner"), command("a")] },
    ];
    const outer: [string, Signer] = ["outer", bob];
    expect(await problemOf(nested, "a~1", [outer, ["inner~1", bob]])).toBeUndefined();
    expect(await problemOf(nested, "a~1", [outer, ["inner~0", bob]])).toMatch(/"inner~1" has 0 of 1/);
    expect(await problemOf(nested, "a~1", [["inner~1", bob]])).toMatch(/"outer" has 0 of 1/);
  });

  it("are not those that a condition of their own may pass over, nor those in another branch", async () => {
    const maybe: Block[] = [
      approval("go"),
      approval("maybe", { when: "false" }),
      { kind: "parallel", id: "both", branches: [[approval("left")], [command("a")]] },
    ];
    expect(await problemOf(maybe, "a", [["go", bob]])).toBeUndefined();
  });

  it("need as many people as they ask for; two keys of one person are one", async () => {
    const two = [approval("go", { required: 2 }), command("a")];
    expect(await problemOf(two, "a", [["go", bob]])).toMatch(/"go" has 1 of 2/);
    const twice: [string, Signer][] = [
      ["go", bob],
      ["go", bobAtHome],
    ];
    expect(await problemOf(two, "a", twice)).toMatch(/"go" has 1 of 2/);
    const people: [string, Signer][] = [
      ["go", bob],
      ["go", carol],
    ];
    expect(await problemOf(two, "a", people)).toBeUndefined();
  });
});
