/** A viewer over a WebSocket, as the web app is one: it grants credit as it reads (VW2). */
import { createHash } from "node:crypto";
import { WebSocket } from "ws";
import { VIEWER_CREDIT_MAX_BYTES } from "#protocol/limits.ts";
import { parseFrame } from "#protocol/socket.ts";
import {
  decodeOutputFrame,
  OUTPUT_FRAME_HEADER_BYTES,
  streamMessageSchema,
  type ViewerMessage,
} from "#protocol/viewer.ts";
import { Problem } from "../../scripts/lib/problem.ts";
import type { Farhand } from "./farhand.ts";

const CREDIT_BYTES = VIEWER_CREDIT_MAX_BYTES;
/** Read since the last grant, before there is another. */
const GRANT_BYTES = CREDIT_BYTES / 4;

export interface Viewed {
  bytes: number;
  sha256: string;
  rows: number;
}

/** Follows an execution to its end. @throws Problem when the stream ends in any other way */
export function view({ url, apiKey }: Farhand, executionId: string): Promise<Viewed> {
  const address = `${url.replace(/^http/, "ws")}/api/v1/executions/${executionId}/stream`;
  const socket = new WebSocket(address, { headers: { "x-api-key": apiKey }, perMessageDeflate: false });
  const say = (message: ViewerMessage) => socket.send(JSON.stringify(message));
  const hash = createHash("sha256");
  const viewed = { bytes: 0, rows: 0 };
  let toGrant = 0;
  const read = (frame: Buffer) => {
    const { chunk } = decodeOutputFrame(frame);
    hash.update(chunk.payload);
    viewed.bytes += chunk.payload.length;
    viewed.rows++;
  };
  const taken = (bytes: number) => {
    toGrant += bytes;
    if (toGrant < GRANT_BYTES) return;
    say({ type: "credit", bytes: toGrant });
    toGrant = 0;
  };
  return new Promise((resolve, reject) => {
    socket.on("open", () =>
      say({ type: "subscribe", after: 0, output: { mode: "all" }, credit: CREDIT_BYTES }),
    );
    socket.on("message", (frame: Buffer, isBinary) => {
      if (isBinary && frame.length > OUTPUT_FRAME_HEADER_BYTES) read(frame);
      const ended = !isBinary && isEnd(frame);
      if (ended) resolve({ ...viewed, sha256: hash.digest("hex") });
      else taken(frame.length);
    });
    socket.on("error", reject);
    socket.on("close", (code) =>
      reject(new Problem(`The viewer's stream of ${executionId} ended (${code}).`)),
    );
  });
}

function isEnd(frame: Buffer): boolean {
  const parsed = parseFrame(streamMessageSchema, frame.toString());
  if (!parsed.ok) throw new Problem(`A viewer got a frame that is none of the protocol: ${parsed.reason}`);
  return parsed.message.type === "end";
}
