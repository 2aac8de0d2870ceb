/** Reads back what became of everything: over the API, and on the disks. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Execution, executionSchema } from "#protocol/api/executions.ts";
import { STREAMS } from "#protocol/chunk.ts";
import { errorCode } from "../../agent/files.ts";
import type { Client } from "../../scripts/lib/client.ts";
import { TRACES } from "./host.ts";
import { expectedOf, isForAgents, outputProblem, type Started, type StoredStream } from "./ledger.ts";

/** Everything of a list of the API, over all of its pages. */
export async function listOf<T extends z.ZodType>(
  api: Client,
  path: string,
  schema: T,
): Promise<z.output<T>[]> {
  const pageSchema = z.object({
    data: z.array(schema),
    metadata: z.object({ nextCursor: z.string().optional() }),
  });
  const found: z.output<T>[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const query = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const response = await api.raw("GET", `/api/v1${path}?limit=100${query}`);
    const { data, metadata } = pageSchema.parse(await response.json());
    found.push(...data);
    cursor = metadata.nextCursor;
  }
  return found;
}

/** Every execution of the organization, whoever is believed to have started it. */
export async function executionsOf(api: Client): Promise<Execution[]> {
  const found: Execution[] = [];
  for (const { id } of await listOf(api, "/executions", z.object({ id: z.string() }))) {
    found.push(await api.call(executionSchema, "GET", `/executions/${id}`));
  }
  return found;
}

/** What every attempt of an execution has printed, as the API has it, compared with what it had to. */
export async function storedOf(
  api: Client,
  { id, steps }: Execution,
  started: Started | undefined,
): Promise<StoredStream[]> {
  const found: StoredStream[] = [];
  for (const step of steps.filter(({ kind }) => isForAgents(kind))) {
    const expected = started && expectedOf(started, step.id);
    for (let attempt = 1; attempt <= step.attempt; attempt++) {
      const isWhole = attempt === step.attempt && ["exited", "answered"].includes(step.outcome?.type ?? "");
      for (const stream of STREAMS) {
        const path = `/api/v1/executions/${id}/steps/${encodeURIComponent(step.id)}/output`;
        const response = await api.raw("GET", `${path}?stream=${stream}&attempt=${attempt}`);
        const text = await response.text();
        const who = { execution: id, step: step.id, attempt };
        let problem = traceIn(text);
        if (stream === "stdout" && started && expected && problem === undefined) {
          const whole = expected.stdout({ ...who, key: started.key });
          problem = outputProblem(text, whole, expected.unheard, isWhole);
        }
        found.push({
          ...who,
          stream,
          bytes: Buffer.byteLength(text),
          ...(problem !== undefined && { problem }),
        });
      }
    }
  }
  return found;
}

/** The files below these folders that hold a secret in the clear, in words. */
export function leaksIn(folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((path) => {
      const problem = traceIn(contentOf(path));
      return problem === undefined ? [] : [`${path}: ${problem}`];
    });
}

/** Nothing, of a file that the system has removed since it was listed. */
function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

function traceIn(bytes: string | Buffer): string | undefined {
  const trace = TRACES.find((each) => bytes.includes(each));
  return trace === undefined ? undefined : `it holds a secret: ${trace}…`;
}
