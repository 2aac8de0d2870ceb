import { expect, it } from "vitest";
import { joinTokenCreateSchema } from "./pools.ts";

const words = (wish: unknown) => joinTokenCreateSchema.safeParse(wish).error?.issues[0]?.message;

it.each([
  [{ uses: 0 }, "a token lets in from 1 to 1000 machines"],
  [{ uses: 2_000 }, "a token lets in from 1 to 1000 machines"],
  [{ uses: 1.5 }, "a token lets in from 1 to 1000 machines"],
  [{ uses: Number.NaN }, "a token lets in from 1 to 1000 machines"],
  [{ labels: { "host.os": "x" } }, expect.stringContaining("what agents find out by themselves")],
])("the form of a join token says in words what it does not take: %j", (wish, said) => {
  expect(words(wish)).toEqual(said);
});
