/**
 * Runs programs in a virtual machine through its QEMU guest agent, which speaks
 * JSON, a line each way, over a serial port that is a socket here. One call at a
 * time: answers carry no ids.
 */
import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { type Result, SHELL_ENVIRONMENT } from "../install/machine.ts";

/** From one look at a program that runs to the next, ms. */
const LOOK_MS = { first: 20, most: 200 };

/** How long a script may take, and an answer to one question about it, ms. */
const SCRIPT_MS = 300_000;
const ANSWER_MS = 120_000;

const answerSchema = z.union([
  z.object({ return: z.unknown() }),
  z.object({ error: z.object({ desc: z.string() }) }),
]);
const startedSchema = z.object({ pid: z.int() });
const statusSchema = z.object({
  exited: z.boolean(),
  exitcode: z.int().optional(),
  signal: z.int().optional(),
  "out-data": z.string().optional(),
});

export class GuestAgent {
  readonly #socket: Socket;
  readonly #lines: Interface;
  readonly #waiting: PromiseWithResolvers<unknown>[] = [];

  constructor(path: string) {
    this.#socket = connect(path);
    // What ends a connection ends its calls, and they say so.
    this.#socket.on("error", () => {});
    this.#lines = createInterface({ input: this.#socket });
    this.#lines.on("error", () => {});
    this.#lines.on("line", (line) => this.#answer(line));
    this.#socket.on("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("the virtual machine is gone"));
    });
  }

  /** Resolves when it is there and answers. @throws when it does not within so many ms, or the machine ends before */
  async greet(patienceMs: number): Promise<void> {
    await this.#call("guest-sync", { id: 1 }, patienceMs);
  }

  /** Runs a shell script as root, to its end. @throws when that does not come */
  async sh(script: string, input: string): Promise<Result> {
    const { pid } = startedSchema.parse(
      await this.#call("guest-exec", {
        path: "/bin/sh",
        arg: ["-c", `exec 2>&1\n${script}`],
        env: Object.entries(SHELL_ENVIRONMENT).map(([name, value]) => `${name}=${value}`),
        "input-data": Buffer.from(input).toString("base64"),
        "capture-output": true,
      }),
    );
    const deadline = performance.now() + SCRIPT_MS;
    for (let pause = LOOK_MS.first; performance.now() < deadline; pause = Math.min(pause * 2, LOOK_MS.most)) {
      const status = statusSchema.parse(await this.#call("guest-exec-status", { pid }));
      if (status.exited) {
        const output = Buffer.from(status["out-data"] ?? "", "base64").toString("utf8");
        return { code: status.exitcode ?? -1, output: output.trimEnd() };
      }
      await wait(pause);
    }
    throw new Error(`this has no end: ${script}`);
  }

  close(): void {
    this.#lines.close();
    this.#socket.destroy();
  }

  #call(execute: string, args: object, patienceMs = ANSWER_MS): Promise<unknown> {
    const call = Promise.withResolvers<unknown>();
    // What comes after that would be taken for the answer to the next one: all is over.
    const timer = setTimeout(() => this.#socket.destroy(), patienceMs);
    const done = () => clearTimeout(timer);
    call.promise.then(done, done);
    if (this.#socket.destroyed) call.reject(new Error("the virtual machine is gone"));
    else {
      this.#waiting.push(call);
      this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    }
    return call.promise;
  }

  #answer(line: string): void {
    const call = this.#waiting.shift();
    const parsed = answerSchema.safeParse(JSON.parse(line));
    if (!parsed.success) call?.reject(new Error(`the guest agent said ${line}`));
    else if ("error" in parsed.data) call?.reject(new Error(`the guest agent: ${parsed.data.error.desc}`));
    else call?.resolve(parsed.data.return);
  }
}
