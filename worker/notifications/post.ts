/** Posts one message to an address that an organization named. What is told of the answer is its status alone. */

const TIMEOUT_MS = 10_000;

export interface Posted {
  ok: boolean;
  /** Undefined when there was no answer. */
  status: number | undefined;
  /** How it went, in words. */
  detail: string;
}

/** Never throws for what the network brings. Redirects are not followed, and no byte of the answer's body is read. */
export async function post(url: string, headers: Record<string, string>, body: string): Promise<Posted> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    response.body?.cancel().catch(() => undefined);
    const { ok, status } = response;
    return { ok, status, detail: wordsFor(status) };
  } catch {
    const detail = signal.aborted
      ? `It did not answer within ${TIMEOUT_MS / 1000} s.`
      : "It could not be reached.";
    return { ok: false, status: undefined, detail };
  }
}

function wordsFor(status: number): string {
  if (status < 300 || status >= 400) return `It answered with ${status}.`;
  return `It answered with ${status}, a redirect, which is not followed. Enter the address that it leads to.`;
}
