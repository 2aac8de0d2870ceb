import { KeyRound, KeySquare, type LucideIcon, NotebookText, Play, Server, Settings } from "lucide-react";
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
  { to: paths.secrets, label: "Secrets", icon: KeySquare },
  { to: paths.apiKeys, label: "API keys", icon: KeyRound },
  { to: paths.settings, label: "Settings", icon: Settings },
];

/** What fits the bar at the bottom of a phone; secrets are reached through the agents there, keys through the settings. */
export const PHONE_DESTINATIONS = DESTINATIONS.filter(
  ({ to }) => to !== paths.apiKeys && to !== paths.secrets,
);
