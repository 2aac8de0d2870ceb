/** Every channel. A new one is a file beside this and a line here. */
import type { Channel } from "./channel.ts";
import { webhook } from "./webhook.ts";

export const CHANNELS = { webhook } as const satisfies Record<string, Channel>;
export type ChannelName = keyof typeof CHANNELS;
export const CHANNEL_NAMES = Object.keys(CHANNELS) as [ChannelName, ...ChannelName[]];
