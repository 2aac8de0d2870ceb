import { runInDurableObject } from "cloudflare:test";
import type { env } from "cloudflare:workers";
import { vi } from "vitest";

/**
 * Has the queue of notifications be away for the first message of an object, and lose its answer to another.
 * @param lost the number of the message whose answer is lost, from 1
 * @returns what it is sent from now on, as it comes
 */
export async function faultyQueue(stub: DurableObjectStub<undefined>, lost: number): Promise<unknown[]> {
  const sent: unknown[] = [];
  await runInDurableObject(stub, (instance) => {
    const { NOTIFICATIONS } = Reflect.get(instance, "env") as typeof env;
    const send = NOTIFICATIONS.send.bind(NOTIFICATIONS);
    vi.spyOn(NOTIFICATIONS, "send").mockImplementation(async (message, options) => {
      sent.push(message);
      if (sent.length === 1) throw new Error("the queue is away");
      const taken = await send(message, options);
      if (sent.length === lost) throw new Error("the answer is lost");
      return taken;
    });
  });
  return sent;
}
