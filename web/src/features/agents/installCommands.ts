/** What is run on a machine to make it an agent. */
export function installCommands(
  origin: string,
  token: string,
): { download: string; enrol: string; run: string } {
  return {
    download: `curl -fsSL ${origin}/agent/v1/farhand-agent.mjs -o farhand-agent.mjs`,
    enrol: `node farhand-agent.mjs enroll --url ${origin} --token ${token}`,
    run: "node farhand-agent.mjs run",
  };
}
