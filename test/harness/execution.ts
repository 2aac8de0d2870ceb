/** One execution under test: followed over server-sent events from its first event to its last. */
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { executionSchema } from "#protocol/api/executions.ts";
import { type ExecutionEvent, executionEventSchema } from "#protocol/events.ts";
import type { Client } from "../../scripts/lib/client.ts";
import { Watch } from "./watch.ts";

const outputSchema = z.object({
  step: z.string(),
  attempt: z.number(),
  stream: z.enum(["stdout", "stderr"]),
  offset: z.number(),
  text: z.string().optional(),
  base64: z.string().optional(),
});

export type Finished = Extract<ExecutionEvent, { type: "execution.finished" }>;

export class FollowedExecution {
  readonly id: string;
  /** Events and the sequence numbers of everything, in the order they came. */
  readonly events: ExecutionEvent[] = [];
  readonly seqs: number[] = [];
  readonly #api: Client;
  readonly #watch = new Watch();
  readonly #output = new Map<string, Buffer[]>();
  readonly #stop = new AbortController();
  /** How often the stream broke off and was taken up again. */
  reconnects = -1;
  /** How long it waits for anything, ms; undefined for as long as tests do as a rule. */
  patienceMs: number | undefined;

  constructor(api: Client, id: string) {
    this.#api = api;
    this.id = id;
    void this.#follow();
  }

  /** Resolves with the first event that fits, past or to come. */
  event<T extends ExecutionEvent["type"]>(
    type: T,
    fits: (event: Extract<ExecutionEvent, { type: T }>) => boolean = () => true,
  ): Promise<Extract<ExecutionEvent, { type: T }>> {
    return this.#until(`the event ${type}`, () =>
      this.events
        .filter((event): event is Extract<ExecutionEvent, { type: T }> => event.type === type)
        .find(fits),
    );
  }

  /** Resolves when the output of a step holds this text. */
  async printed(step: string, text: string): Promise<void> {
    await this.#until(`"${text}" in the output of ${step}`, () => this.stdout(step).includes(text));
  }

  async finished(): Promise<Finished> {
    return this.event("execution.finished");
  }

  /** What the stream has shown of a step's stdout. */
  stdout(step: string): string {
    return Buffer.concat(this.#output.get(step) ?? []).toString("utf8");
  }

  /** The execution as the API has it now. */
  read() {
    return this.#api.call(executionSchema, "GET", `/executions/${this.id}`);
  }

  /** What is stored of a step's stdout. */
  async stored(step: string): Promise<string> {
    const response = await this.#api.raw(
      "GET",
      `/api/v1/executions/${this.id}/steps/${step}/output?stream=stdout`,
    );
    return response.text();
  }

  /** Stops following. */
  close(): void {
    this.#stop.abort();
  }

  #until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    const context = () =>
      this.events
        .slice(-10)
        .map((event) => JSON.stringify(event))
        .join("\n");
    return this.#watch.until(what, look, context, this.patienceMs);
  }

  /** Takes the stream up again after every break, from what it has seen, until the terminal event. */
  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.reconnects += 1;
      try {
        if (await this.#readStream()) return;
      } catch {
        // The server is away, or the line broke: what matters is told by the events.
        await wait(20);
      }
    }
  }

  async #readStream(): Promise<boolean> {
    const call = {
      headers: { "last-event-id": String(this.seqs.at(-1) ?? 0) },
      signal: this.#stop.signal,
    };
    for await (const message of this.#api.events("GET", `/executions/${this.id}/events`, call)) {
      this.seqs.push(Number(message.id));
      const data: Record<string, unknown> = JSON.parse(message.data);
      if (message.event === "output") this.#noteOutput(outputSchema.parse(data));
      else {
        const { time: _, ...event } = data;
        this.events.push(executionEventSchema.parse(event));
      }
      this.#watch.changed();
      if (message.event === "execution.finished") return true;
    }
    return false;
  }

  #noteOutput(output: z.infer<typeof outputSchema>): void {
    if (output.stream !== "stdout") return;
    const parts = this.#output.get(output.step) ?? [];
    parts.push(
      output.text === undefined ? Buffer.from(output.base64 ?? "", "base64") : Buffer.from(output.text),
    );
    this.#output.set(output.step, parts);
  }
}
