/** Tells the app when the server no longer knows the session. The router listens and asks to log in. */
const listeners = new Set<() => void>();

export function onSessionExpired(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function sessionExpired(): void {
  for (const listener of [...listeners]) listener();
}
