/** What the tests of each fault came to, from the reports that the stages leave. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { elapsed } from "./terminal.ts";

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), duration: z.number().nullish() }),
      ),
    }),
  ),
});

/** Lines of a table: the fault, how many of its tests passed and failed, and how long they took together. */
export async function faultTable(reports: readonly string[]): Promise<string[]> {
  const rows = new Map<number, { passed: number; failed: number; ms: number }>();
  for (const path of reports) {
    const report = reportSchema.safeParse(JSON.parse(await readFile(path, "utf8").catch(() => "{}")));
    const tests = report.data?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? [];
    for (const { fullName, status, duration } of tests) {
      if (status !== "passed" && status !== "failed") continue;
      const faults = Array.from(fullName.matchAll(/\[fault (\d+)\]/g), ([, fault]) => Number(fault));
      for (const fault of new Set(faults)) {
        const row = rows.get(fault) ?? { passed: 0, failed: 0, ms: 0 };
        rows.set(fault, { ...row, [status]: row[status] + 1, ms: row.ms + (duration ?? 0) });
      }
    }
  }
  return Array.from(rows)
    .sort(([a], [b]) => a - b)
    .map(([fault, { passed, failed, ms }]) => {
      const counts = `${String(passed).padStart(4)} passed${String(failed).padStart(4)} failed`;
      return `fault ${String(fault).padStart(2)} ${counts}  ${elapsed(ms)}`;
    });
}
