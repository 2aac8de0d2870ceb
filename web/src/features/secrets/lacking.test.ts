import { expect, test } from "vitest";
import type { Agent } from "#protocol/api/pools.ts";
import type { Secret, SecretDelivery } from "#protocol/api/secrets.ts";
import { agentsWithout, isSealed } from "./lacking.ts";

const agent = (id: string, poolId: string, more: Partial<Agent> = {}): Agent => ({
  ...{ id, name: id, poolId, poolName: poolId, labels: {}, fingerprint: "", publicKey: "" },
  ...{ createdAt: "2026-01-01T00:00:00Z", ...more },
});
const holder = (id: string, type = "sealed") => ({ id, name: id, poolName: "", type });
const delivery = (id: string, more: Partial<SecretDelivery> = {}): SecretDelivery => ({
  ...{ agent: { id, name: id, poolName: "" }, action: "put", state: "done", version: 1 },
  ...{ actor: { type: "anonymous" }, at: "2026-01-01T00:00:00Z", ...more },
});
const secret = (more: Partial<Secret>): Secret => ({
  ...{ name: "x", types: ["sealed"], agents: [], deliveries: [], ...more },
});

const agents = [
  agent("a", "one"),
  agent("b", "one"),
  agent("gone", "one", { revokedAt: "2026-01-02T00:00:00Z" }),
  agent("c", "two"),
];
const without = (more: Partial<Secret>) => agentsWithout(secret(more), agents).map(({ id }) => id);

test("who joined the pool later is without it, and who is in another pool is none of its concern", () => {
  expect(without({ agents: [holder("a")], deliveries: [delivery("a")] })).toEqual(["b"]);
});

test("who is being sent it is not without it; who refused it or was not there is", () => {
  expect(without({ agents: [holder("a")], deliveries: [delivery("b", { state: "pending" })] })).toEqual([]);
  expect(without({ agents: [holder("a")], deliveries: [delivery("b", { state: "expired" })] })).toEqual([
    "b",
  ]);
});

test("who has it from somewhere else is not without it, and what no one was sealed lacks nowhere", () => {
  expect(without({ agents: [holder("a"), holder("b", "file")] })).toEqual([]);
  expect(without({ agents: [holder("a", "file")], types: ["file"] })).toEqual([]);
});

test("a secret is one that was sealed while somebody holds it so, or is asked to", () => {
  expect(isSealed(secret({ types: ["file"] }))).toBe(false);
  expect(isSealed(secret({ types: [], deliveries: [delivery("a", { state: "pending" })] }))).toBe(true);
  expect(isSealed(secret({ types: [], deliveries: [delivery("a", { action: "remove" })] }))).toBe(false);
});
