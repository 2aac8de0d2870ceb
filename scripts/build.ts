/** `npm run build`: everything that a deploy uploads or a host downloads, in `dist/`. */
import { buildParts } from "./lib/build.ts";
import { runCommand } from "./lib/command.ts";

await runCommand(async () => {
  await buildParts();
  return 0;
});
