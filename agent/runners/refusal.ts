import { errorCode } from "../files.ts";
import { wordsOf } from "../log.ts";

/** Why nothing was started, in a stable code and in words. */
export class RunnerRefusal extends Error {
  override readonly name = "RunnerRefusal";
  readonly code:
    | "policy"
    | "no_interpreter"
    | "no_working_directory"
    | "no_user"
    | "cannot_switch_user"
    | "bad_request"
    | "prepare_failed"
    | "secret_missing"
    | "secret_denied"
    | "secret_failed"
    | "spawn_failed";

  constructor(code: RunnerRefusal["code"], detail: string) {
    super(detail);
    this.code = code;
  }
}

/** What the operating system said, in words for whoever reads the step. */
export function systemWords(error: unknown): string {
  switch (errorCode(error)) {
    case "E2BIG":
      return "the parameters and values are too large for an environment (E2BIG); hand large ones over as stdin";
    case "ENOSPC":
      return "the disk is full (ENOSPC)";
    case "EAGAIN":
      return "the limit on processes is reached (EAGAIN)";
    default:
      return wordsOf(error);
  }
}
