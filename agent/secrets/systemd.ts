import type { Environment } from "../config.ts";
import { FileProvider } from "./file.ts";

/**
 * Credentials that systemd hands the agent's unit (`LoadCredential=`), in a
 * folder that nobody else may enter.
 * @returns undefined when the agent was not given any
 */
export function systemdProvider(env: Environment): FileProvider | undefined {
  const folder = env.CREDENTIALS_DIRECTORY;
  return folder ? new FileProvider({ type: "systemd", folder, sharedRead: true }) : undefined;
}
