/**
 * Sends the request of one attempt: `started` on disk, then the request, and
 * the answer as output. There is no process: to stop it is to hang up, and what
 * the other end makes of it then is not known here.
 */
import { randomBytes } from "node:crypto";
import type { ApiBlock } from "#protocol/blocks/index.ts";
import type { AttemptOutcome, StepInputs } from "#protocol/data.ts";
import { ANSWER_DEFAULT_BYTES, judgeAnswer } from "#protocol/http/answer.ts";
import { type Hop, mayHaveHadEffect, renderExchange } from "#protocol/http/render.ts";
import { type HttpRequest, resolveRequest } from "#protocol/http/request.ts";
import { OUTPUT_DEFAULT_BYTES, STEP_TIMEOUT_DEFAULT_MS } from "#protocol/limits.ts";
import { secretsOf } from "#protocol/secrets.ts";
import { type Log, wordsOf } from "../log.ts";
import { guardOf } from "../policy/hosts.ts";
import { type HttpAnswer, sendRequest, Unanswered } from "../runners/http.ts";
import { RunnerRefusal } from "../runners/refusal.ts";
import {
  type Attempt,
  type AttemptEnd,
  type AttemptListener,
  type AttemptRun,
  endWithoutRun,
  type StopReason,
} from "./attempt.ts";
import { OutputCapture } from "./capture.ts";
import type { Host } from "./host.ts";
import { requestSecrets } from "./secrets.ts";

export interface RequestParts {
  attempt: Attempt;
  block: ApiBlock;
  inputs: StepInputs;
  host: Host;
  listener: AttemptListener;
  log: Log;
}

type Told = Pick<AttemptEnd, "outcome" | "values">;

export class RequestRun implements AttemptRun {
  readonly #parts: RequestParts;
  readonly #output: OutputCapture;
  readonly #hangUp = new AbortController();
  #stop: StopReason | undefined;

  constructor(parts: RequestParts) {
    const { attempt, block, host, listener, log } = parts;
    this.#parts = parts;
    this.#output = new OutputCapture({
      ...{ spool: attempt.spool, clock: host.clock, log },
      limitBytes: block.outputLimitBytes ?? OUTPUT_DEFAULT_BYTES,
      known: host.known,
      spooled: (chunk) => listener.spooled(attempt, chunk),
    });
  }

  async run(): Promise<AttemptEnd> {
    const { attempt, block, inputs, host, log } = this.#parts;
    let request: HttpRequest;
    try {
      const secrets = await requestSecrets(block, host, this.#hangUp.signal);
      const resolution = resolveRequest(block, { ...inputs, ...secrets });
      if (!resolution.ok) throw new RunnerRefusal("bad_request", resolution.detail);
      request = resolution.request;
      await attempt.noteStarted(randomBytes(16).toString("hex"), host);
    } catch (error) {
      if (this.#stop) return endWithoutRun({ type: "stopped", reason: this.#stop, confirmed: true });
      const code = error instanceof RunnerRefusal ? error.code : "prepare_failed";
      const detail = wordsOf(error).slice(0, 2_000);
      log.error("no request was sent", { code, reason: detail });
      return endWithoutRun({ type: "refused", code, detail });
    }
    if (this.#stop) return endWithoutRun({ type: "stopped", reason: this.#stop, confirmed: true });
    const begun = host.clock.monotonic();
    const unused = host.secrets.use(secretsOf(block));
    const told = await this.#send(request).finally(unused);
    const durationMs = Math.max(0, host.clock.monotonic() - begun);
    await this.#output.drain();
    return { ...told, durationMs, leakedOutput: false, cutBytes: this.#output.cutBytes };
  }

  stop(reason: StopReason): void {
    this.#output.stopping();
    if (this.#stop) return;
    this.#parts.log.info("giving up a request", { reason });
    this.#stop = reason;
    this.#hangUp.abort();
  }

  killNow(): void {
    this.#hangUp.abort();
  }

  async #send(request: HttpRequest): Promise<Told> {
    const { attempt, block, host, listener } = this.#parts;
    // The process that does it is the agent's own.
    attempt.started = { pid: process.pid, time: host.clock.now() };
    listener.started(attempt);
    const timeoutMs = block.timeoutMs ?? STEP_TIMEOUT_DEFAULT_MS;
    const cancelTimeout = host.clock.after(timeoutMs, () => this.stop("timed_out"));
    const limitBytes = block.answerLimitBytes ?? ANSWER_DEFAULT_BYTES;
    const hops: Hop[] = [];
    try {
      return this.#answered(
        await sendRequest(request, hops, {
          ...{ limitBytes, expect: block.expect, signal: this.#hangUp.signal },
          guard: guardOf(host.policy),
          secretBody: typeof block.body === "object" && "secret" in block.body,
        }),
        hops,
      );
    } catch (error) {
      this.#output.say("stdout", renderExchange(hops, new Uint8Array(0)));
      return { outcome: this.#failed(error, mayHaveHadEffect(hops)) };
    } finally {
      cancelTimeout();
    }
  }

  #answered({ status, body, cut }: HttpAnswer, hops: readonly Hop[]): Told {
    const told = judgeAnswer(this.#parts.block, status, body, cut);
    const shortened = cut ? `only the first ${body.byteLength} bytes of the answer were read` : undefined;
    this.#output.say("stdout", renderExchange(hops, body, told.outcome.detail ?? shortened));
    return told;
  }

  #failed(error: unknown, sent: boolean): AttemptOutcome {
    if (this.#stop) return { type: "stopped", reason: this.#stop, confirmed: !sent };
    const detail = wordsOf(error).slice(0, 2_000);
    if (error instanceof RunnerRefusal) return { type: "refused", code: error.code, detail };
    if (error instanceof Unanswered) return { type: "unanswered", detail, ...(sent && { sent }) };
    return { type: "unknown", detail: `the agent failed while this request was under way (${detail})` };
  }
}
