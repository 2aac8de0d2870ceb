/** The socket on which a running agent answers `status`, `drain` and their like. */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { parseFrame } from "#protocol/socket.ts";
import { type Log, wordsOf } from "../log.ts";
import { type LocalAnswer, type LocalRequest, localRequestSchema } from "./protocol.ts";

const REQUEST_MAX_LENGTH = 1_024;
const SILENT_MS = 60_000;

export interface LocalServer {
  close(): void;
}

/** Listens. Where it cannot, the agent works all the same, and the log says so. */
export function serveLocally(
  path: string,
  handle: (request: LocalRequest) => Promise<LocalAnswer>,
  log: Log,
): LocalServer {
  // Left by a run that was killed: whoever holds the lock is the only one to listen here.
  rmSync(path, { force: true });
  const server: Server = createServer((socket) => serve(socket, handle));
  server.on("error", (error) => {
    log.warn("cannot listen for status and drain; all else works", { reason: wordsOf(error) });
  });
  const mask = process.umask(0o177);
  try {
    server.listen(path, () => chmodSync(path, 0o600));
  } finally {
    process.umask(mask);
  }
  server.unref();
  return { close: () => server.close() };
}

function serve(socket: Socket, handle: (request: LocalRequest) => Promise<LocalAnswer>): void {
  let text = "";
  const answer = (value: LocalAnswer): void => void socket.end(`${JSON.stringify(value)}\n`);
  socket.setEncoding("utf8");
  socket.setTimeout(SILENT_MS, () => socket.destroy());
  socket.on("error", () => {});
  socket.on("data", (part: string) => {
    text += part;
    const end = text.indexOf("\n");
    if (end < 0 && text.length <= REQUEST_MAX_LENGTH) return;
    socket.removeAllListeners("data");
    const parsed = parseFrame(localRequestSchema, text.slice(0, end), REQUEST_MAX_LENGTH);
    if (!parsed.ok) return answer({ ok: false, problem: parsed.reason });
    handle(parsed.message).then(answer, (error) => answer({ ok: false, problem: wordsOf(error) }));
  });
}
