import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { ROOT } from "./lib/paths.ts";

/** True when the lint refuses this import in a file of this folder. */
function refuses(folder: string, specifier: string): boolean {
  const input = `import value from "${specifier}";\nexport default value;\n`;
  try {
    execFileSync("biome", ["lint", `--stdin-file-path=${folder}/example.ts`], {
      cwd: ROOT,
      input,
      stdio: "pipe",
    });
    return false;
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr).includes("noRestrictedImports");
  }
}

test.each([
  [
    "protocol",
    ["../worker/env.ts", "../agent/main.ts", "../web/src/main.tsx", "node:fs", "#protocol/limits.ts"],
  ],
  [
    "worker",
    ["../agent/main.ts", "../../web/src/main.tsx", "../protocol/limits.ts", "../scripts/lib/client.ts"],
  ],
  ["agent/job", ["../../worker/env.ts", "../../web/src/main.tsx", "../../protocol/limits.ts"]],
  ["web/src", ["../../worker/env.ts", "../../agent/main.ts", "../../protocol/limits.ts", "node:fs"]],
])("the lint keeps %s apart from the rest", (folder, specifiers) => {
  for (const specifier of specifiers) expect(refuses(folder, specifier), specifier).toBe(true);
  if (folder !== "protocol") expect(refuses(folder, "#protocol/limits.ts")).toBe(false);
  expect(refuses(folder, "./neighbour.ts")).toBe(false);
});
