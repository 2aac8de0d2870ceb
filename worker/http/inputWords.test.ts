import { expect, it } from "vitest";
import { z } from "zod";
import { joinTokenCreateSchema } from "#protocol/api/pools.ts";
import { runbookRollbackSchema } from "#protocol/api/runbooks.ts";
import { issueOf } from "./inputWords.ts";

function told(schema: z.ZodType, value: unknown, where = "body"): string[] {
  const result = schema.safeParse(value);
  return result.success ? [] : result.error.issues.map((issue) => issueOf(issue, value, where).message);
}

const thing = z.strictObject({
  name: z.string().max(3),
  many: z.array(z.enum(["a", "b", "c"])).optional(),
  when: z.iso.datetime().optional(),
  inside: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});

it.each([
  [{}, ['"name" is missing']],
  [{ name: 7 }, ['"name" must be a text']],
  [{ name: "long" }, ['"name" may be at most 3 characters']],
  [{ name: "x", other: 1 }, ['the body has no field "other"']],
  [{ name: "x", many: "a" }, ['"many" must be a list']],
  [{ name: "x", many: ["a", "z"] }, ['"many.1" must be one of a, b, c']],
  [{ name: "x", when: "soon" }, ['"when" does not have the form that is expected here']],
  [{ name: "x", inside: { y: [] } }, ['"inside.y" must be a text or a number']],
  [[], ["the body must be an object"]],
  [null, ["the body must be an object"]],
])("says what is wrong with %j in words", (value, words) => {
  expect(told(thing, value)).toEqual(words);
});

it("puts the words of a schema behind the field that they are about", () => {
  const words = ['"poolId": expected an id like pool_…'];
  expect(told(joinTokenCreateSchema, { poolId: "default" })).toEqual(words);
  expect(told(runbookRollbackSchema, { version: true })).toEqual(['"version" must be a number or a text']);
  expect(told(z.object({ limit: z.coerce.number() }), { limit: "x" }, "query")).toEqual([
    '"limit" must be a number',
  ]);
});
