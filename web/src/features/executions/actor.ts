import type { Actor } from "#protocol/actor.ts";

/** Who did it, in words. */
export function actorName(actor: Actor): string {
  switch (actor.type) {
    case "user":
    case "agent":
      return actor.name;
    case "api_key":
      return `API key ${actor.name}`;
    case "system":
      return actor.name;
    case "anonymous":
      return "somebody";
    default:
      return actor satisfies never;
  }
}
