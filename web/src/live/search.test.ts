import { expect, it } from "vitest";
import { LogStore } from "./logStore.ts";
import { searchLog } from "./search.ts";

function storeOf(text: string): LogStore {
  const store = new LogStore((run) => run());
  store.add({ position: 0, line: 0, stream: "stdout", payload: new TextEncoder().encode(text) });
  return store;
}

it("finds text through colours and whatever its case", async () => {
  const store = storeOf("one\n\u001b[31mFat\u001b[0mal: no\nfatality\nfat\nal");
  const { lines } = await searchLog(store, "FATAL", new AbortController().signal);
  expect(lines).toEqual([1, 2]);
});

it("goes through 50,000 lines, and stops when nobody waits", async () => {
  const store = storeOf("needle in line\n".repeat(50_000));
  const result = await searchLog(store, "needle", new AbortController().signal);
  expect(result).toMatchObject({ more: true });
  await expect(searchLog(store, "needle", AbortSignal.abort())).rejects.toThrow();
});
