/** "No code in the close frame"; it may be received, never sent. */
const NO_CODE = 1005;
const NORMAL = 1000;

/**
 * Completes the closing handshake for a peer that gave no code. PartyServer
 * answers a close only with the code it got, and this one cannot be sent; the
 * peer would hold the socket open until its own timeout.
 */
export function answerClose(socket: WebSocket, code: number): void {
  if (code !== NO_CODE) return;
  try {
    socket.close(NORMAL);
  } catch {
    // Already closed from this end.
  }
}
