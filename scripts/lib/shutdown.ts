/** Stops what was started, last first, whether a signal, an error or the end asks for it. */
export class Shutdown {
  readonly #steps: Array<() => Promise<void>> = [];
  readonly #controller = new AbortController();
  /** Resolves when a signal asks for the end. */
  readonly requested: Promise<"requested">;

  constructor() {
    this.requested = new Promise((resolve) => {
      this.signal.addEventListener("abort", () => resolve("requested"));
    });
    // Asked again, it goes on stopping in order: a hurry would leave processes behind.
    const ask = (why: string) => this.#controller.abort(new Error(why));
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(name, () => ask(`stopped by ${name}`));
    }
    // Nobody reads any more: `npm start | head` ends like Ctrl-C.
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => ask("output closed"));
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) ask("whoever started this is gone");
    }, 500).unref();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get asked(): boolean {
    return this.signal.aborted;
  }

  throwIfAsked(): void {
    this.signal.throwIfAborted();
  }

  /** Registers how to stop what was just started. */
  add(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  /** Takes every step, whatever becomes of the others. @throws what the first that failed threw */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) await step().catch((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}
