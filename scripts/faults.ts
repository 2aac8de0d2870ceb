/** `npm run test:faults`: every test of a fault, in its long form. */
import { mayBegin } from "./lib/arguments.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";
import { EXIT } from "./lib/problem.ts";
import { runStages, tests } from "./lib/stages.ts";
import { say } from "./lib/terminal.ts";

/** Read by `test/harness/long.ts`. */
const env = { FARHAND_LONG: "1" };
/** What the name of a test holds when it is about a fault. */
const only = "\\[fault \\d+\\]";

await runCommand(async () => {
  if (!mayBegin("faults", process.argv.slice(2))) return EXIT.ok;
  await buildParts();
  const { passed, failed } = await runStages([
    tests("Faults of parts", "unit", { env, only }),
    tests("Faults of the control plane", "workerd", { env, only }),
    tests("Faults of the agent", "process", { env, only }),
    tests("Faults of the whole system", "e2e", { env, only }),
  ]);
  say(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
});
