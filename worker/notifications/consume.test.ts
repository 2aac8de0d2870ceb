import { expect, test } from "vitest";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { DEAD_LETTERS, RETRY_DELAYS_S } from "./consume.ts";

test("wrangler.toml gives each message as many retries as there are delays, and then puts it with the dead letters", () => {
  const { workerOptions } = unstable_getMiniflareWorkerOptions("wrangler.toml");
  expect(workerOptions.queueConsumers).toMatchObject({
    "farhand-notifications": { maxRetries: RETRY_DELAYS_S.length, deadLetterQueue: DEAD_LETTERS },
    [DEAD_LETTERS]: {},
  });
});
