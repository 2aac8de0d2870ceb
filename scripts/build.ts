/** `npm run build`: everything that a deploy uploads or a host downloads, in `dist/`. */
import { relative } from "node:path";
import { mayBegin } from "./lib/arguments.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";
import { AGENT_FILE, CLI_FILE, ROOT, WEB_DIST, WORKER_DIST } from "./lib/paths.ts";
import { EXIT } from "./lib/problem.ts";
import { say } from "./lib/terminal.ts";

await runCommand(async () => {
  if (!mayBegin("build", process.argv.slice(2))) return EXIT.ok;
  const built = await buildParts();
  if (built.length === 0) say("Nothing has changed since the last build.");
  const places = [AGENT_FILE, CLI_FILE, WORKER_DIST, WEB_DIST].map((path) => relative(ROOT, path));
  say(`The agent, the command line, the control plane and the web app are in ${places.join(", ")}.`);
  return EXIT.ok;
});
