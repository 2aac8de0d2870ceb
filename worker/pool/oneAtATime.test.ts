import { expect, test } from "vitest";
import { oneAtATime } from "./oneAtATime.ts";

/** Work whose every round the test ends itself. */
function rounds() {
  const ends: PromiseWithResolvers<void>[] = [];
  const failures: unknown[] = [];
  const work = () => {
    const end = Promise.withResolvers<void>();
    ends.push(end);
    return end.promise;
  };
  return { ask: oneAtATime(work, (error) => failures.push(error)), ends, failures };
}

test("work that is asked for while it runs, however often, is done once more", async () => {
  const { ask, ends } = rounds();
  const done = ask();
  await Promise.all([ask(), ask()]);
  expect(ends).toHaveLength(1);
  ends[0]?.resolve();
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.resolve();
  await done;
  expect(ends).toHaveLength(2);
});

test("a round that fails stops neither the next nor a later one", async () => {
  const { ask, ends, failures } = rounds();
  const done = ask();
  void ask();
  ends[0]?.reject("no");
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.reject("again no");
  await done;
  expect(failures).toEqual(["no", "again no"]);
  void ask();
  expect(ends).toHaveLength(3);
});
