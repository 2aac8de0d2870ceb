/**
 * Something a person has to act on: shown as one clear sentence, and the
 * process ends with its exit code. Anything else that is thrown is a defect.
 */
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
  /** It was asked for rightly and did not work. */
  failed: 1,
  /** It was asked for wrongly: arguments, environment, policy. */
  usage: 2,
  /** What is on this host keeps it from starting, and another try changes nothing: enrollment, identity. */
  config: 78,
} as const;
