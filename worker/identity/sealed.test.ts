import { expect, test } from "vitest";
import { seal, unseal } from "./sealed.ts";

const AUTH_SECRET = "a secret for tests that is long enough";

test("what is sealed can be opened for its own purpose, with its own AUTH_SECRET, and by nobody else", async () => {
  const sealed = await seal(AUTH_SECRET, "org_a/whk_a", "whsec_x");
  expect(sealed).not.toContain("whsec");
  expect(await unseal(AUTH_SECRET, "org_a/whk_a", sealed)).toBe("whsec_x");
  expect(await unseal(AUTH_SECRET, "org_b/whk_a", sealed)).toBeUndefined();
  expect(await unseal(`${AUTH_SECRET}!`, "org_a/whk_a", sealed)).toBeUndefined();
  expect(await unseal(AUTH_SECRET, "org_a/whk_a", `${sealed.slice(0, -6)}AAAAAA`)).toBeUndefined();
  expect(await unseal(AUTH_SECRET, "org_a/whk_a", "")).toBeUndefined();
  expect(await seal(AUTH_SECRET, "org_a/whk_a", "whsec_x")).not.toBe(sealed);
});
