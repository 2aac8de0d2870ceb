/** What `npm run check` and `npm test` are made of: stages that all run, whatever the ones before said. */
import { mkdir, readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { DIST, ROOT } from "./paths.ts";
import { elapsed, paint, say } from "./terminal.ts";

export interface Count {
  passed: number;
  failed: number;
  /** What failed, a line each, for the end of a run whose output nobody scrolls through. */
  failures?: readonly string[];
}

export interface Stage {
  name: string;
  run(): Promise<Count>;
}

/** Runs every stage; one that breaks counts as failed and holds up none of the others. */
export async function runStages(stages: readonly Stage[]): Promise<Count> {
  const total: Count = { passed: 0, failed: 0 };
  const broken: string[] = [];
  for (const stage of stages) {
    say(`\n${paint("bold", `▸ ${stage.name}`)}`);
    const started = performance.now();
    const count = await stage.run().catch((error: unknown): Count => {
      say(error instanceof Error ? error.message : String(error));
      return { passed: 0, failed: 1 };
    });
    total.passed += count.passed;
    total.failed += count.failed;
    if (count.failed > 0) broken.push(stage.name, ...(count.failures ?? []).map((line) => `  ${line}`));
    const mark = count.failed > 0 ? paint("red", "✗") : paint("green", "✓");
    say(`${mark} ${stage.name} ${paint("dim", elapsed(performance.now() - started))}`);
  }
  if (broken.length > 0) say(`\n${paint("red", "Failed:")}\n${broken.join("\n")}`);
  return total;
}

/** A tool that either likes what it sees or says why not. */
export function tool(name: string, command: string, args: readonly string[]): Stage {
  return {
    name,
    async run() {
      const { exitCode } = await execa(command, args, { cwd: ROOT, stdio: "inherit", reject: false });
      return exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
    },
  };
}

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numFailedTestSuites: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()) }),
      ),
    }),
  ),
});

/** Each test that failed, and each file that did not load, with the first line of what it said. */
export function failuresIn({ testResults }: z.infer<typeof reportSchema>): string[] {
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const line = (test: string, said = "") => `${relative(ROOT, name)}${test}: ${said.split("\n")[0]}`;
    const failed = assertionResults.filter(({ status }) => status === "failed");
    const lines = failed.map((test) => line(` > ${test.fullName}`, test.failureMessages[0]));
    return lines.length === 0 && message !== "" ? [line("", message)] : lines;
  });
}

/** Where the tests of a project leave what they came to, as vitest writes it in JSON. */
export function reportOf(project: string): string {
  return join(DIST, "test", `${project}.json`);
}

/**
 * The tests of one vitest project, shown as they run and counted one by one.
 * @param options `only`: those whose name matches this pattern
 */
export function tests(
  name: string,
  project: string,
  options: { env?: Record<string, string>; only?: string } = {},
): Stage {
  const { env = {}, only } = options;
  return {
    name,
    async run() {
      const report = reportOf(project);
      await mkdir(join(DIST, "test"), { recursive: true });
      await rm(report, { force: true });
      const args = [
        "run",
        "--project",
        project,
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${report}`,
        ...(only === undefined ? [] : ["--testNamePattern", only]),
      ];
      const { exitCode } = await execa("vitest", args, { cwd: ROOT, stdio: "inherit", reject: false, env });
      const results = reportSchema.parse(JSON.parse(await readFile(report, "utf8").catch(() => "{}")));
      const { numPassedTests, numFailedTests, numFailedTestSuites } = results;
      // A file that does not load has no tests to fail, and an error outside of all tests belongs to none.
      const failed = Math.max(numFailedTests, numFailedTestSuites > 0 || exitCode !== 0 ? 1 : 0);
      return { passed: numPassedTests, failed, failures: failuresIn(results) };
    },
  };
}

/** Formatting, lint with the borders between the folders, types and dead code. */
export const STATIC_STAGES: readonly Stage[] = [
  tool("Format and lint", "biome", ["ci", "."]),
  ...["protocol", "worker", "agent", "cli", "web", "test", "test/workerd"].map((folder) =>
    tool(`Types of ${folder}`, "tsc", ["-p", folder]),
  ),
  tool("Dead code", "knip", ["--no-config-hints"]),
];
