/** Something a person has to act on: shown as one clear sentence, and the program ends with its exit code. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const EXIT = {
  ok: 0,
  /** It was asked for rightly and did not work; of `verify`: it is not signed. */
  failed: 1,
  /** It was asked for wrongly: arguments, environment. */
  usage: 2,
} as const;
