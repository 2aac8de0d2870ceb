import { oneCommand, settle } from "./arena.ts";
import type { Measurement } from "./measurement.ts";
import { beside } from "./results.ts";

/** How long the step goes on after its first line. */
const GOES_ON = "0.25";

/** A step that goes on running has to show its first line as fast as one that ends. */
export const runningStep: Measurement = {
  title: "First output of a step that goes on running",
  rounds: 30,
  budgetMs: 25_000,
  async run({ farhand }, rounds) {
    const first = (runbookId: string) => async () => {
      const { firstOutputMs } = await farhand.run(runbookId);
      await settle();
      return firstOutputMs;
    };
    const goesOn = first(await farhand.write(oneCommand("sh", `echo hello\nsleep ${GOES_ON}`)));
    const ends = first(await farhand.write(oneCommand("sh", "echo hello")));
    await ends();
    const samples = await rounds.interleave({ goesOn, ends });
    const against = ["Farhand, a step that ends", samples.ends] as const;
    return {
      rows: [beside("first output, step goes on", "ms", samples.goesOn ?? [], against, { atMost: 1.1 })],
    };
  },
};
