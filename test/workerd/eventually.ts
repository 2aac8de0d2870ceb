import { vi } from "vitest";

const PATIENCE_MS = 12_000;

/** Looks again until it does not throw; left to itself, `vi.waitFor` gives up after a second. */
export function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: PATIENCE_MS });
}
