/** `npm run test:faults`: every test of a fault, in its long form. */
import { mayBegin } from "./lib/arguments.ts";
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";
import { faultTable } from "./lib/faultTable.ts";
import { EXIT } from "./lib/problem.ts";
import { reportOf, runStages, tests } from "./lib/stages.ts";
import { say } from "./lib/terminal.ts";

/** Read by `test/harness/long.ts`. */
const env = { FARHAND_LONG: "1" };
/** What the name of a test holds when it is about a fault. */
const only = "\\[fault \\d+\\]";

const STAGES = {
  unit: "Faults of parts",
  workerd: "Faults of the control plane",
  process: "Faults of the agent",
  e2e: "Faults of the whole system",
};

await runCommand(async () => {
  if (!mayBegin("faults", process.argv.slice(2))) return EXIT.ok;
  await buildParts();
  const { passed, failed } = await runStages(
    Object.entries(STAGES).map(([project, name]) => tests(name, project, { env, only })),
  );
  say(`\n${(await faultTable(Object.keys(STAGES).map(reportOf))).join("\n")}`);
  say(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
});
