import type { ReleaseOffer } from "../../api/queries/releases.ts";

/** What is run on a machine to make it an agent. */
export interface InstallCommands {
  /** All of it, on Linux with systemd; undefined where no release is offered. */
  install: string | undefined;
  /** One by one and without root, wherever Node is. */
  download: string;
  enroll: string;
  run: string;
}

export function installCommands(origin: string, token: string, offer: ReleaseOffer): InstallCommands {
  const kind = offer === "node" ? "--node " : "";
  const install = `curl -fsSL ${origin}/install.sh | sudo sh -s -- ${kind}--token ${token}`;
  return {
    install: offer === "none" ? undefined : install,
    download: `curl -fsSL ${origin}/agent/v1/farhand-agent.mjs -o farhand-agent.mjs`,
    enroll: `node farhand-agent.mjs enroll --url ${origin} --token ${token}`,
    run: "node farhand-agent.mjs run",
  };
}
