import { expect, it } from "vitest";
import { invocation } from "./invocation.ts";

it.each([
  ["beside the file", "/home/ada/farhand-agent.mjs", "/home/ada", "node farhand-agent.mjs"],
  ["below it", "/opt/farhand/farhand-agent.mjs", "/opt", "node farhand/farhand-agent.mjs"],
  ["elsewhere", "/opt/farhand/farhand-agent.mjs", "/home/ada", "node /opt/farhand/farhand-agent.mjs"],
  ["with a space", "/home/ada/my files/agent.mjs", "/home/ada", "node 'my files/agent.mjs'"],
  ["as a command", "/usr/local/bin/farhand-agent", "/home/ada", "farhand-agent"],
])("says what was typed %s", (_, script, folder, words) => {
  expect(invocation(["/usr/bin/node", script], "node", folder)).toBe(words);
});
