import { KeyRound, type LucideIcon, NotebookText, Play, Server, Settings } from "lucide-react";
import { paths } from "../../routes/paths.ts";

export interface Destination {
  to: string;
  label: string;
  icon: LucideIcon;
}

export const DESTINATIONS: readonly Destination[] = [
  { to: paths.runbooks, label: "Runbooks", icon: NotebookText },
  { to: paths.executions, label: "Executions", icon: Play },
  { to: paths.agents, label: "Agents", icon: Server },
  { to: paths.apiKeys, label: "API keys", icon: KeyRound },
  { to: paths.settings, label: "Settings", icon: Settings },
];

/** What fits the bar at the bottom of a phone; keys are reached through the settings there. */
export const PHONE_DESTINATIONS = DESTINATIONS.filter(({ to }) => to !== paths.apiKeys);
