import { describe, expect, it } from "vitest";
import { z } from "zod";
import { blockSchema } from "#protocol/blocks/index.ts";
import { failureOf } from "./report.ts";
import { scenarioOf, simulate } from "./simulate.ts";

/** What `npm test` goes through; `npm run simulate` takes any others. */
const SEEDS = 5_000;
const BATCH = 1_000;

describe("[G1] [G2] [G5] [G6] [G11] [G12] [G13] [G16] the engine among things that fail", () => {
  it.each(Array.from({ length: SEEDS / BATCH }, (_, index) => index * BATCH + 1))(
    `keeps its promises through ${BATCH} seeds from %i`,
    (from) => {
      for (let seed = from; seed < from + BATCH; seed++) {
        if (simulate(scenarioOf(seed)).violation) expect.fail(failureOf(seed));
      }
    },
    60_000,
  );

  it("goes the same way for the same seed", () => {
    expect(simulate(scenarioOf(7), true)).toEqual(simulate(scenarioOf(7), true));
  });

  it("makes runbooks that could be published", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const { blocks, finally: last = [] } = scenarioOf(seed).plan;
      expect(z.array(blockSchema).safeParse([...blocks, ...last]).error).toBeUndefined();
    }
  });
});
