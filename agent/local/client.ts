/** Asks a running agent over the socket in its state directory. */
import { createConnection } from "node:net";
import { parseFrame } from "#protocol/socket.ts";
import { Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { lockHolder } from "../lock.ts";
import { wordsOf } from "../log.ts";
import type { StatePaths } from "../paths.ts";
import { type AgentReport, type LocalRequest, localAnswerSchema } from "./protocol.ts";

const TIMEOUT_MS = 45_000;

/**
 * @returns undefined when no agent listens there
 * @throws Failure when it does not answer in time, or says that it cannot
 */
export async function askAgent(
  path: string,
  command: LocalRequest["command"],
): Promise<{ report: AgentReport; said?: string | undefined } | undefined> {
  const text = await exchange(path, `${JSON.stringify({ command })}\n`);
  if (text === undefined) return undefined;
  const parsed = parseFrame(localAnswerSchema, text);
  if (!parsed.ok) {
    throw new Failure(
      `the running agent answers what is not understood (${parsed.reason}): is it another version?`,
    );
  }
  if (!parsed.message.ok) throw new Failure(parsed.message.problem);
  return parsed.message;
}

/** Whether an agent runs on a state folder, and what it says of itself. */
export type Running =
  | { state: "none" }
  /** It holds the folder, and does not answer. */
  | { state: "silent"; pid: number; problem: string }
  | { state: "answers"; pid: number; report: AgentReport };

/** Never fails: an agent that hangs, or is another version, is just what people look for. */
export async function lookAtAgent({ lock, socket }: Pick<StatePaths, "lock" | "socket">): Promise<Running> {
  const pid = lockHolder(lock);
  if (pid === undefined) return { state: "none" };
  try {
    const answer = await askAgent(socket, "status");
    if (answer) return { state: "answers", pid, report: answer.report };
    return { state: "silent", pid, problem: "it does not listen on its socket" };
  } catch (error) {
    return { state: "silent", pid, problem: wordsOf(error) };
  }
}

function exchange(path: string, request: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = createConnection(path);
    socket.setEncoding("utf8");
    socket.setTimeout(TIMEOUT_MS, () => {
      socket.destroy();
      reject(new Failure(`the running agent does not answer on ${path} within ${TIMEOUT_MS / 1000} s`));
    });
    socket.on("connect", () => socket.write(request));
    socket.on("data", (part: string) => {
      text += part;
    });
    socket.on("end", () => resolve(text));
    socket.on("error", (error) => {
      const code = errorCode(error);
      if (code === "ENOENT" || code === "ECONNREFUSED") resolve(undefined);
      else if (code === "EACCES")
        reject(new Failure(`only the agent's own user and root may ask it: ${path}`));
      else reject(new Failure(`cannot ask the running agent: ${code ?? error.message}`));
    });
  });
}
