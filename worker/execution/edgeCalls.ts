/**
 * Requests that this control plane makes for an execution. What was said and
 * answered becomes the step's output; how it ended goes to the engine. A
 * request that is lost in a crash is not made again: its step ends as unknown.
 */
import { crc32 } from "node:zlib";
import { encodeChunk } from "#protocol/chunk.ts";
import { CHUNK_MAX_BYTES } from "#protocol/limits.ts";
import { breakersOf } from "../edge/breakers.ts";
import { requestFromEdge } from "../edge/request.ts";
import { type Env, readSettings } from "../env.ts";
import type { Effect, EngineInput } from "./engine/inputs.ts";
import type { EngineState } from "./engine/state.ts";
import type { OutputIntake } from "./intake.ts";
import type { ChunkRow } from "./store.ts";

export interface EdgeCallsDeps {
  env: Env;
  intake: OutputIntake;
  state(): EngineState;
  decide(input: EngineInput): void;
  publish(row: ChunkRow): void;
}

export class EdgeCalls {
  readonly #deps: EdgeCallsDeps;
  /** Requests that are under way, by step and attempt. */
  readonly #underWay = new Map<string, AbortController>();

  constructor(deps: EdgeCallsDeps) {
    this.#deps = deps;
  }

  async perform({ step, attempt, inputs }: Extract<Effect, { type: "edge.request" }>): Promise<void> {
    const { env, state, decide } = this.#deps;
    const block = state().steps.get(step)?.block;
    const settings = readSettings(env);
    if (block?.kind !== "api" || !settings.ok) return;
    const begun = Date.now();
    const key = keyOf({ step, attempt });
    const giveUp = new AbortController();
    this.#underWay.set(key, giveUp);
    const { outcome, values, output } = await requestFromEdge(block, inputs, {
      fetch: (url, init) => fetch(url, init),
      breakers: breakersOf(env, state().plan.organizationId),
      publicOrigin: settings.settings.publicOrigin,
      signal: giveUp.signal,
    }).finally(() => this.#underWay.delete(key));
    // The step has ended without it.
    if (giveUp.signal.aborted) return;
    this.#keep(step, attempt, output);
    decide({ type: "edge.finished", step, attempt, outcome, durationMs: Date.now() - begun, values });
  }

  /** Hangs up. What the other end makes of it is not known. */
  cancel(name: { step: string; attempt: number }): void {
    this.#underWay.get(keyOf(name))?.abort();
  }

  #keep(step: string, attempt: number, output: Uint8Array): void {
    for (let offset = 0; offset < output.length; offset += CHUNK_MAX_BYTES) {
      const payload = output.subarray(offset, offset + CHUNK_MAX_BYTES);
      const chunk = { step, attempt, stream: "stdout", offset, time: Date.now(), payload } as const;
      const reception = this.#deps.intake.accept(chunk.time, chunk, encodeChunk(chunk, crc32));
      if (reception.type === "stored") this.#deps.publish(reception.row);
    }
  }
}

function keyOf({ step, attempt }: { step: string; attempt: number }): string {
  return `${step}#${attempt}`;
}
