/** What the control plane tells agents that it holds, listened to on the wire. */
import { AGENT_PATHS } from "#protocol/assertion.ts";
import {
  type AgentDataMessage,
  agentDataMessageSchema,
  coordinatorDataMessageSchema,
} from "#protocol/data.ts";
import { parseFrame } from "#protocol/socket.ts";
import type { Frame } from "../harness/frameProxy.ts";
import { attemptKey } from "./ledger.ts";

const DATA_PATH = new RegExp(`^${AGENT_PATHS.execution("([^/?]+)")}$`);

export class Acknowledgements {
  /** Bytes of stdout by `attemptKey`: the most that was ever acknowledged. */
  readonly bytes = new Map<string, number>();
  /** What results say of their output; acknowledged as a whole with the result. */
  readonly #told = new Map<string, number>();

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
    this.#told.set(attemptKey(execution, step, attempt), streams.stdout.bytes);
  }

  #noteAnswer(execution: string, text: string): void {
    const parsed = parseFrame(coordinatorDataMessageSchema, text);
    if (!parsed.ok) return;
    const { message } = parsed;
    if (message.type === "output.ack" && message.stream === "stdout") {
      this.#raise(attemptKey(execution, message.step, message.attempt), message.held);
    } else if (message.type === "step.recorded") {
      const key = attemptKey(execution, message.step, message.attempt);
      this.#raise(key, this.#told.get(key) ?? 0);
    } else if (message.type === "welcome") {
      for (const { step, attempt, held } of message.attempts) {
        this.#raise(attemptKey(execution, step, attempt), held.stdout);
      }
    }
  }

  #raise(key: string, bytes: number): void {
    this.bytes.set(key, Math.max(bytes, this.bytes.get(key) ?? 0));
  }
}
