/** An agent's presence in colour, word and what it is doing. */
import { CircleDot, CircleSlash, Copy, Loader, type LucideIcon, Power } from "lucide-react";
import type { Agent } from "#protocol/api/pools.ts";
import type { Tone } from "../../components/Badge.tsx";

export function presenceLook({ presence, quarantinedAt }: Pick<Agent, "presence" | "quarantinedAt">): {
  label: string;
  tone: Tone;
  icon: LucideIcon;
} {
  if (quarantinedAt) return { label: "Quarantined", tone: "bad", icon: Copy };
  if (!presence) return { label: "Offline", tone: "neutral", icon: Power };
  if (presence.draining) return { label: "Draining", tone: "warn", icon: CircleSlash };
  if (presence.busySlots > 0) return { label: "Working", tone: "live", icon: Loader };
  return { label: "Connected", tone: "good", icon: CircleDot };
}
