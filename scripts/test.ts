/** `npm test`: everything there is to check, and one line at the end that says how it went. */
import { mayBegin } from "./lib/arguments.ts";
import { buildParts } from "./lib/build.ts";
import { findChromium } from "./lib/chromium.ts";
import { runCommand } from "./lib/command.ts";
import { EXIT } from "./lib/problem.ts";
import { runStages, STATIC_STAGES, type Stage, tests } from "./lib/stages.ts";
import { say } from "./lib/terminal.ts";

const build: Stage = {
  name: "Build",
  async run() {
    await buildParts();
    return { passed: 1, failed: 0 };
  },
};

const browser: Stage = {
  name: "Browser tests",
  run: async () =>
    tests("Browser tests", "browser", { env: { FARHAND_CHROMIUM: await findChromium() } }).run(),
};

await runCommand(async () => {
  if (!mayBegin("test", process.argv.slice(2))) return EXIT.ok;
  const { passed, failed } = await runStages([
    ...STATIC_STAGES,
    build,
    tests("Unit tests", "unit"),
    tests("Tests inside workerd", "workerd"),
    tests("Tests with real processes", "process"),
    tests("End-to-end tests", "e2e"),
    browser,
  ]);
  say(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
});
