/**
 * The consumer of the queue. A notification becomes one message for each that
 * is to be told; from there on each has its own attempts, and one that fails
 * repeats nothing for the others. The queue delivers at least once: what
 * happened once has one id, however often it comes.
 */
import { z } from "zod";
import { notificationSchema } from "#protocol/notifications.ts";
import type { Env } from "../env.ts";
import { mapConcurrently } from "../http/concurrency.ts";
import { log } from "../log.ts";
import { CHANNEL_NAMES, CHANNELS } from "./index.ts";

/** What waits after each failed attempt, in seconds; `max_retries` in wrangler.toml says how many there are. */
export const RETRY_DELAYS_S = [5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000];

/** Where the queue puts what was tried as often as that. */
export const DEAD_LETTERS = "farhand-notifications-dead";

const notice = { organizationId: z.string(), id: z.string(), event: notificationSchema };
const messageSchema = z.discriminatedUnion("type", [
  /** Something happened. */
  z.object({ type: z.literal("event"), ...notice }),
  /** One is to be told of it. */
  z.object({
    type: z.literal("delivery"),
    ...notice,
    channel: z.enum(CHANNEL_NAMES),
    recipient: z.string(),
  }),
]);
export type Message = z.infer<typeof messageSchema>;

export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  const take = batch.queue === DEAD_LETTERS ? bury : handle;
  await mapConcurrently([...batch.messages], async (message) => {
    try {
      await take(message, env);
    } catch (error) {
      log("warn", "a notification could not be handled; it is tried again", { id: message.id, error });
      again(message);
    }
  });
}

/** @throws ZodError for what a newer version has put there; it may be understood later */
async function handle(message: QueueMessage, env: Env): Promise<void> {
  const body = messageSchema.parse(message.body);
  if (body.type === "event") await spread(env, body);
  else if ((await deliver(env, body, message)) === "later") return again(message);
  message.ack();
}

async function spread(env: Env, { type: _, ...event }: Extract<Message, { type: "event" }>): Promise<void> {
  for (const channel of CHANNEL_NAMES) {
    const recipients = await CHANNELS[channel].recipients(env, event);
    const messages = recipients.map((recipient) => ({
      body: { ...event, type: "delivery", channel, recipient } satisfies Message,
    }));
    if (messages.length > 0) await env.NOTIFICATIONS.sendBatch(messages);
  }
}

function deliver(env: Env, body: Extract<Message, { type: "delivery" }>, { attempts }: QueueMessage) {
  const delay = RETRY_DELAYS_S[attempts - 1];
  const next = delay === undefined ? undefined : new Date(Date.now() + delay * 1000);
  return CHANNELS[body.channel].deliver(env, body, body.recipient, next);
}

/** What was tried as often as it may be: whoever looks is told, and it stands in the log. */
async function bury(message: QueueMessage, env: Env): Promise<void> {
  const { success, data } = messageSchema.safeParse(message.body);
  const what = success ? { organizationId: data.organizationId, id: data.id, type: data.event.type } : {};
  log("error", "a notification was given up", what);
  if (success && data.type === "delivery") {
    await CHANNELS[data.channel].giveUp(env, data, data.recipient);
  }
  message.ack();
}

/** Past the last delay the queue itself puts it with the dead letters. */
function again(message: QueueMessage): void {
  const delaySeconds = RETRY_DELAYS_S[message.attempts - 1];
  message.retry(delaySeconds === undefined ? {} : { delaySeconds });
}

type QueueMessage = MessageBatch["messages"][number];
