/** What the control plane tells agents that it holds, listened to on the wire. */
import { AGENT_PATHS } from "#protocol/assertion.ts";
import { STREAMS, type Stream } from "#protocol/chunk.ts";
import {
  type AgentDataMessage,
  agentDataMessageSchema,
  coordinatorDataMessageSchema,
} from "#protocol/data.ts";
import { parseFrame } from "#protocol/socket.ts";
import type { Frame } from "../harness/frameProxy.ts";
import { attemptKey, streamKey } from "./ledger.ts";

const DATA_PATH = new RegExp(`^${AGENT_PATHS.execution("([^/?]+)")}$`);

type Sizes = Record<Stream, number>;

export class Acknowledgements {
  /** Bytes by `streamKey`: the most that was ever acknowledged. */
  readonly bytes = new Map<string, number>();
  /** What results say of their output; acknowledged as a whole with the result. */
  readonly #told = new Map<string, Sizes>();

  /** Takes note of a frame of any socket. */
  note({ direction, path, text }: Frame): void {
    const [, execution] = DATA_PATH.exec(path) ?? [];
    if (!execution || text === "") return;
    if (direction === "up") this.#noteReport(execution, text);
    else this.#noteAnswer(execution, text);
  }

  #noteReport(execution: string, text: string): void {
    const parsed = parseFrame(agentDataMessageSchema, text);
    if (!parsed.ok || parsed.message.type !== "step.finished") return;
    const { step, attempt, streams }: Extract<AgentDataMessage, { type: "step.finished" }> = parsed.message;
    const { stdout, stderr } = streams;
    this.#told.set(attemptKey(execution, step, attempt), { stdout: stdout.bytes, stderr: stderr.bytes });
  }

  #noteAnswer(execution: string, text: string): void {
    const parsed = parseFrame(coordinatorDataMessageSchema, text);
    if (!parsed.ok) return;
    const { message } = parsed;
    switch (message.type) {
      case "output.ack": {
        const { step, attempt, stream, held } = message;
        return this.#raise(streamKey(execution, step, attempt, stream), held);
      }
      case "step.recorded": {
        const { step, attempt } = message;
        const told = this.#told.get(attemptKey(execution, step, attempt));
        if (told) this.#raiseBoth(execution, step, attempt, told);
        return;
      }
      case "welcome":
        for (const { step, attempt, held } of message.attempts) {
          this.#raiseBoth(execution, step, attempt, held);
        }
        return;
      default:
        return;
    }
  }

  #raiseBoth(execution: string, step: string, attempt: number, sizes: Sizes): void {
    for (const stream of STREAMS) this.#raise(streamKey(execution, step, attempt, stream), sizes[stream]);
  }

  #raise(key: string, bytes: number): void {
    this.bytes.set(key, Math.max(bytes, this.bytes.get(key) ?? 0));
  }
}
