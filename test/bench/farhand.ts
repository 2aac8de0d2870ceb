/** Runs runbooks as a script with an API key would: over HTTP, on connections that stay open. */
import { createHash } from "node:crypto";
import { Agent, type IncomingMessage, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { executionSchema } from "#protocol/api/executions.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { executionEventSchema } from "#protocol/events.ts";
import type { ExecutionState } from "#protocol/states.ts";
import type { Client } from "../../scripts/lib/client.ts";
import { Problem } from "../../scripts/lib/problem.ts";
import { type ServerSentEvent, serverSentEvents } from "../../scripts/lib/serverSentEvents.ts";

const SETTLE_MAX_MS = 30_000;

const outputSchema = z.object({ text: z.string() });
const eventSchema = z.intersection(z.object({ time: z.string() }), z.record(z.string(), z.unknown()));

/** What a client saw of one execution, in ms from the moment before it sent its request. */
export interface Run {
  executionId: string;
  firstOutputMs: number;
  endMs: number;
  /** Output events, each of them one row of the log. */
  rows: number;
  bytes: number;
  sha256: string;
}

export class Farhand {
  readonly url: string;
  readonly apiKey: string;
  readonly #client: Client;
  readonly #connections = new Agent({ keepAlive: true });

  constructor(client: Client, apiKey: string) {
    this.#client = client;
    this.url = client.url;
    this.apiKey = apiKey;
  }

  /** Stores a runbook. @returns its id */
  async write(source: string): Promise<string> {
    const { id } = await this.#client.call(runbookSchema, "POST", "/runbooks", { body: { source } });
    return id;
  }

  /** Starts an execution and only says which one it is. */
  async trigger(runbookId: string): Promise<string> {
    const response = await this.#post(runbookId, "application/json");
    response.resume();
    return executionIdOf(response);
  }

  /** Starts an execution and follows it to its end on the same answer. @throws Problem unless it succeeds */
  async run(runbookId: string): Promise<Run> {
    const began = performance.now();
    const response = await this.#post(runbookId, "text/event-stream");
    const hash = createHash("sha256");
    const run = { executionId: executionIdOf(response), firstOutputMs: 0, endMs: 0, rows: 0, bytes: 0 };
    for await (const message of serverSentEvents(response)) {
      if (message.event === "output") {
        run.firstOutputMs ||= performance.now() - began;
        run.rows++;
        const { text } = outputSchema.parse(JSON.parse(message.data));
        run.bytes += Buffer.byteLength(text);
        hash.update(text);
      } else if (message.event === "execution.finished") {
        run.endMs = performance.now() - began;
        requireSuccess(run.executionId, message);
      }
    }
    if (run.endMs === 0) throw new Problem(`The stream of ${run.executionId} broke off before its end.`);
    return { ...run, sha256: hash.digest("hex") };
  }

  /** Waits until each of these executions has come to a state. @throws Problem when one does not */
  async untilAllAre(
    state: ExecutionState,
    ids: readonly string[],
    patienceMs: number = SETTLE_MAX_MS,
  ): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (const id of ids) {
      while ((await this.#stateOf(id)) !== state) {
        if (performance.now() > deadline) throw new Problem(`${id} did not come to be ${state}.`);
        await wait(20);
      }
    }
  }

  async #stateOf(id: string): Promise<ExecutionState> {
    return (await this.#client.call(executionSchema, "GET", `/executions/${id}`)).state;
  }

  /** Cancels executions and waits until they have ended. */
  async cancelAll(ids: readonly string[]): Promise<void> {
    for (const id of ids)
      await this.#client.call(z.unknown(), "POST", `/executions/${id}/cancel`, { body: {} });
    await this.untilAllAre("canceled", ids);
  }

  stop(): void {
    this.#connections.destroy();
  }

  async #post(runbookId: string, accept: string): Promise<IncomingMessage> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const call = request(`${this.url}/api/v1/runbooks/${runbookId}/executions`, {
        method: "POST",
        agent: this.#connections,
        headers: { accept, "x-api-key": this.apiKey },
      });
      call.on("response", resolve).on("error", reject).end();
    });
    if (response.statusCode === 200 || response.statusCode === 201) return response;
    const text = (await response.toArray()).join("");
    throw new Problem(`A trigger was answered with ${response.statusCode}: ${text}`);
  }
}

function executionIdOf(response: IncomingMessage): string {
  return response.headers.location?.split("/").at(-1) ?? "";
}

function requireSuccess(executionId: string, message: ServerSentEvent): void {
  const { time: _, ...fields } = eventSchema.parse(JSON.parse(message.data));
  const event = executionEventSchema.parse(fields);
  if (event.type === "execution.finished" && event.state === "succeeded") return;
  throw new Problem(`${executionId} did not succeed: ${message.data}`);
}
