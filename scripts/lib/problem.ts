/** Exit codes of the commands; `npm start -- --help` lists them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  portInUse: 3,
  data: 4,
  missingTool: 5,
  stopped: 130,
} as const;

/** Something a person can put right: its message is shown as it is, without a stack. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}
