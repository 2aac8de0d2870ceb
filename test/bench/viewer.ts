/** A viewer over a WebSocket, as the web app is one: it says how far it has read (VW2). */
import { createHash } from "node:crypto";
import { WebSocket } from "ws";
import { parseFrame } from "#protocol/socket.ts";
import {
  decodeOutputFrame,
  OUTPUT_FRAME_HEADER_BYTES,
  type StreamMessage,
  streamMessageSchema,
  type ViewerMessage,
} from "#protocol/viewer.ts";
import { Problem } from "../../scripts/lib/problem.ts";
import type { Farhand } from "./farhand.ts";

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
  const read = (frame: Buffer) => {
    const { chunk } = decodeOutputFrame(frame);
    hash.update(chunk.payload);
    viewed.bytes += chunk.payload.length;
    viewed.rows++;
  };
  return new Promise((resolve, reject) => {
    socket.on("open", () => say({ type: "subscribe", after: 0, output: { mode: "all" } }));
    socket.on("message", (frame: Buffer, isBinary) => {
      if (isBinary) return frame.length > OUTPUT_FRAME_HEADER_BYTES && read(frame);
      const message = parsed(frame);
      if (message.type === "mark") say({ type: "seen", mark: message.mark });
      if (message.type === "end") resolve({ ...viewed, sha256: hash.digest("hex") });
    });
    socket.on("error", reject);
    socket.on("close", (code) =>
      reject(new Problem(`The viewer's stream of ${executionId} ended (${code}).`)),
    );
  });
}

function parsed(frame: Buffer): StreamMessage {
  const result = parseFrame(streamMessageSchema, frame.toString());
  if (!result.ok) throw new Problem(`A viewer got a frame that is none of the protocol: ${result.reason}`);
  return result.message;
}
