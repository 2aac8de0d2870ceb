import { expect, it } from "vitest";
import { drainingWords, missingWords } from "./missing.ts";

const agent = (name: string, labels: Record<string, string> = {}) => ({ name, labels });
const web = agent("web-1", { role: "web", region: "eu" });

it.each([
  [
    [web],
    { role: "database" },
    "role=database is on no connected agent; connected: web-1 (role=web, region=eu)",
  ],
  [[agent("x")], { a: "1", b: "2" }, "a=1, b=2 are on no connected agent; connected: x (no labels)"],
  [
    [agent("db-1", { role: "database", region: "us" }), web],
    { role: "database", region: "eu" },
    "no connected agent has role=database, region=eu together; connected: db-1 (role=database, region=us), web-1 (role=web, region=eu)",
  ],
  [[], { role: "web" }, "role=web is on no connected agent"],
])("says which labels are missing, and what comes nearest", (agents, labels, words) => {
  expect(missingWords(agents, labels)).toBe(words);
});

it("names the nearest first, and no more than a few", () => {
  const many = [..."abcde"].map((name) => agent(name, { a: "1", b: "1", c: "1", d: "1", role: "web" }));
  const said = missingWords([...many, agent("near", { zone: "1", role: "db" })], { zone: "2", role: "db" });
  expect(said).toBe(
    "zone=2 is on no connected agent; connected: near (zone=1, role=db), a (role=web, a=1, b=1, c=1, …), b (role=web, a=1, b=1, c=1, …) and 3 more",
  );
});

it.each([
  [
    ["db-1"],
    { role: "db" },
    "db-1 has the labels, but is draining; `farhand-agent undrain` on its host, or the end of an update, has it take work again",
  ],
  [
    ["vm"],
    {},
    "vm is draining; `farhand-agent undrain` on its host, or the end of an update, has it take work again",
  ],
  [
    ["a", "b"],
    {},
    "a and b are draining; `farhand-agent undrain` on a host, or the end of an update, has its agent take work again",
  ],
  [
    ["a", "b", "c", "d"],
    { role: "db" },
    "a, b, c and 1 other have the labels, but are draining; `farhand-agent undrain` on a host, or the end of an update, has its agent take work again",
  ],
  [
    ["a", "b", "c", "d", "e"],
    {},
    "a, b, c and 2 others are draining; `farhand-agent undrain` on a host, or the end of an update, has its agent take work again",
  ],
])("names agents that drain, %#", (names, labels, words) => {
  expect(drainingWords(names, labels)).toBe(words);
});
