/** Builds the command line into one ES-module file that any machine with Node 22 or newer runs. */
import { chmod } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** @returns the path of the built file */
export async function buildCli(outfile: string): Promise<string> {
  await build({
    entryPoints: [fileURLToPath(new URL("main.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "esm",
    minifySyntax: true,
    legalComments: "none",
    banner: {
      js: `#!/usr/bin/env node\nimport { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);`,
    },
    logLevel: "warning",
  });
  await chmod(outfile, 0o755);
  return outfile;
}
