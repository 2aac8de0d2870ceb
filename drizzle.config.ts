import { defineConfig } from "drizzle-kit";

/** `drizzle-kit generate` writes what changed in the schema as the next file in `migrations/`. */
export default defineConfig({ dialect: "sqlite", schema: "./worker/db/schema.ts", out: "./migrations" });
