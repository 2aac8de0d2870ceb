/** Applies the D1 migrations, recorded where `wrangler d1 migrations` records them. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { MIGRATIONS } from "./paths.ts";

/** drizzle-kit writes this between two statements. */
const BREAKPOINT = "--> statement-breakpoint";

/** The part of D1's binding that this needs; Miniflare hands out a typed twin of it. */
export interface Database {
  prepare(sql: string): Statement;
  batch(statements: Statement[]): Promise<unknown>;
}

interface Statement {
  bind(...values: unknown[]): Statement;
  all<Row>(): Promise<{ results: Row[] }>;
  run(): Promise<unknown>;
}

export type Migrated = { ok: true; applied: string[] } | { ok: false; unknown: string };

/** Brings the database up to date; not ok when it holds a migration that this version does not know. */
export async function migrate(database: Database): Promise<Migrated> {
  await database
    .prepare(
      "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    )
    .run();
  const rows = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const done = new Set(rows.results.map((row) => row.name));
  const names = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql")).sort();
  const unknown = [...done].find((name) => !names.includes(name));
  if (unknown) return { ok: false, unknown };
  const pending = names.filter((name) => !done.has(name));
  for (const name of pending) await applyOne(database, name);
  return { ok: true, applied: pending };
}

/** One batch, so that a migration and its record are there together or not at all. */
async function applyOne(database: Database, name: string): Promise<void> {
  const text = await readFile(join(MIGRATIONS, name), "utf8");
  const statements = text
    .split(BREAKPOINT)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
  await database.batch([
    ...statements.map((statement) => database.prepare(statement)),
    database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
  ]);
}
