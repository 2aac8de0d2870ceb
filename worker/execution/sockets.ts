/** What this coordinator remembers of each socket; it survives hibernation in the socket's attachment. */
import type { Connection } from "partyserver";
import type { ViewerMessage } from "#protocol/viewer.ts";

export interface AgentSocket {
  kind: "agent";
  agentId: string;
  name: string;
  connectedAt: number;
  /** Set by `hello`; before that the socket may do nothing. */
  lease?: { id: string; fence: number };
  /** For a lease that is over: results still to be recorded before the agent is let go. */
  unrecorded?: number;
  /** When its agent was first told to go, ms since the epoch. */
  letGoAt?: number;
}

export interface ViewerSocket {
  kind: "viewer";
  /** Everything up to this sequence number has been sent. */
  after: number;
  /** Bytes sent that the viewer has not said to have read (VW2). */
  unread: number;
  /** Marks on their way, oldest first: what was unread at each when it was sent, but for what came before it. */
  marks: readonly { readonly mark: string; readonly bytes: number }[];
  /** Bytes sent since the last mark. */
  sinceMark: number;
  /** Absent until it has subscribed. */
  output?: Extract<ViewerMessage, { type: "subscribe" }>["output"];
  /** Output up to here is past, and cut to its tail if the viewer wants it so. */
  headAtStart: number;
}

export type SocketState = AgentSocket | ViewerSocket;
export type Socket = Connection<SocketState>;

export function agentState(socket: Socket): AgentSocket | undefined {
  return socket.state?.kind === "agent" ? { ...socket.state } : undefined;
}

export function viewerState(socket: Socket): ViewerSocket | undefined {
  return socket.state?.kind === "viewer" ? { ...socket.state } : undefined;
}
