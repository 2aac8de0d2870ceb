import type { Arena } from "./arena.ts";
import type { Finding } from "./results.ts";
import type { Rounds } from "./rounds.ts";

export interface Measurement {
  title: string;
  /** How many rounds it makes unless told otherwise. */
  rounds: number;
  /** How long it goes on beginning rounds unless told how many to make. */
  budgetMs: number;
  /** It takes long, or much of the disk: made only when it is named. */
  onlyWhenNamed?: true;
  run(arena: Arena, rounds: Rounds): Promise<Finding>;
}
