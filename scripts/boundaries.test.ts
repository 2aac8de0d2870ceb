import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execaSync } from "execa";
import { expect, test } from "vitest";
import { ROOT } from "./lib/paths.ts";

/** Which of these imports the lint refuses in a file of this folder. */
function refusedIn(folder: string, specifiers: readonly string[]): string[] {
  const root = mkdtempSync(join(tmpdir(), "farhand-lint-"));
  try {
    for (const name of ["biome.json", ".gitignore"]) copyFileSync(join(ROOT, name), join(root, name));
    mkdirSync(join(root, folder), { recursive: true });
    specifiers.forEach((specifier, index) => {
      const text = `import value from "${specifier}";\n\nexport default value;\n`;
      writeFileSync(join(root, folder, `example${index}.ts`), text);
    });
    const args = ["lint", "--reporter=github", "--max-diagnostics=none"];
    const { all } = execaSync("biome", args, {
      cwd: root,
      preferLocal: true,
      localDir: ROOT,
      reject: false,
      all: true,
    });
    return specifiers.filter((_, index) =>
      all
        .split("\n")
        .some((line) => line.includes("noRestrictedImports") && line.includes(`example${index}.ts`)),
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test.each([
  [
    "protocol",
    ["../worker/env.ts", "../agent/main.ts", "../web/src/main.tsx", "node:fs", "#protocol/limits.ts"],
    [],
  ],
  [
    "worker",
    ["../agent/main.ts", "../../web/src/main.tsx", "../protocol/limits.ts"],
    ["#protocol/limits.ts"],
  ],
  ["agent/job", ["../../worker/env.ts", "../../web/src/main.tsx"], ["#protocol/limits.ts", "node:fs"]],
  [
    "cli",
    ["../worker/env.ts", "../agent/main.ts", "../web/src/main.tsx"],
    ["#protocol/limits.ts", "node:fs"],
  ],
  [
    "web/src",
    ["../../worker/env.ts", "../../agent/main.ts", "../../cli/main.ts", "node:fs"],
    ["#protocol/limits.ts", "react"],
  ],
])("the lint keeps %s apart from the rest", (folder, forbidden, allowed) => {
  expect(refusedIn(folder, [...forbidden, ...allowed, "./neighbour.ts"])).toEqual(forbidden);
});
