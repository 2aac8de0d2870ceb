/**
 * Requests that this control plane makes for an execution. What was said and
 * answered becomes the step's output; how it ended goes to the engine. A
 * request that is lost in a crash is not made again: its step ends as unknown.
 */
import { crc32 } from "node:zlib";
import { encodeChunk } from "#protocol/chunk.ts";
import { CHUNK_MAX_BYTES } from "#protocol/limits.ts";
import { breakersOf } from "../edge/breakers.ts";
import { type EdgeResult, requestFromEdge } from "../edge/request.ts";
import { type Env, readSettings } from "../env.ts";
import { log } from "../log.ts";
import type { Effect, EngineInput } from "./engine/inputs.ts";
import { type EngineState, isOut } from "./engine/state.ts";
import type { OutputIntake } from "./intake.ts";
import type { ChunkRow } from "./store.ts";

type EdgeRequest = Extract<Effect, { type: "edge.request" }>;

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

  /** However it goes, the step ends: nobody else would say so before its deadline. */
  async perform(effect: EdgeRequest): Promise<void> {
    const begun = Date.now();
    const { step, attempt } = effect;
    const end = (result: Pick<EdgeResult, "outcome" | "values">) => {
      const { outcome, values } = result;
      const durationMs = Date.now() - begun;
      this.#deps.decide({ type: "edge.finished", step, attempt, outcome, durationMs, values });
    };
    try {
      const result = await this.#request(effect);
      if (!result) return;
      this.#keep(step, attempt, result.output);
      end(result);
    } catch (error) {
      const { organizationId } = this.#deps.state().plan;
      log("error", "a request from the edge broke off", { organizationId, step, attempt, error });
      const detail = "the request broke off for a fault of the control plane; its log says more";
      end({ outcome: { type: "unanswered", detail, sent: true } });
    }
  }

  /** What came of it; undefined when the step has ended without it. */
  async #request({ step, attempt, inputs }: EdgeRequest): Promise<EdgeResult | undefined> {
    const { env, state } = this.#deps;
    const block = state().steps.get(step)?.block;
    if (block?.kind !== "api") return undefined;
    const settings = readSettings(env);
    if (!settings.ok) {
      const detail = `its settings cannot be read: ${settings.problems.join("; ")}; tell whoever runs it`;
      return { outcome: { type: "refused", code: "settings", detail }, output: new Uint8Array() };
    }
    const key = keyOf({ step, attempt });
    const giveUp = new AbortController();
    this.#underWay.set(key, giveUp);
    const result = await requestFromEdge(block, inputs, {
      fetch: (url, init) => fetch(url, init),
      breakers: breakersOf(env, state().plan.organizationId),
      publicOrigin: settings.settings.publicOrigin,
      signal: giveUp.signal,
    }).finally(() => this.#underWay.delete(key));
    const now = state().steps.get(step);
    const counts = now !== undefined && isOut(now) && now.attempt === attempt;
    return counts && !giveUp.signal.aborted ? result : undefined;
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
