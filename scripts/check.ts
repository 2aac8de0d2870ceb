/** `npm run check`: what can be known in seconds, without a network. */
import { mayBegin } from "./lib/arguments.ts";
import { runCommand } from "./lib/command.ts";
import { EXIT } from "./lib/problem.ts";
import { runStages, STATIC_STAGES, tests } from "./lib/stages.ts";
import { say } from "./lib/terminal.ts";

await runCommand(async () => {
  if (!mayBegin("check", process.argv.slice(2))) return EXIT.ok;
  const { passed, failed } = await runStages([...STATIC_STAGES, tests("Unit tests", "unit")]);
  say(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
});
