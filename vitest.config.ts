import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** Tests inside workerd, with the bindings of `wrangler.toml`. */
const workerd = cloudflareTest({
  wrangler: { configPath: "./wrangler.toml" },
  miniflare: {
    bindings: {
      AUTH_SECRET: "a secret for tests, long enough to be one",
      PUBLIC_URL: "https://farhand.test",
    },
  },
});

/** Nothing is proven by how soon something comes to pass; left to itself, `expect.poll` waits a second. */
const patience = { poll: { timeout: 12_000 } };

// Left to itself, vitest keeps one processor free, which on two is half of them.
export default defineConfig({
  test: {
    silent: "passed-only",
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{protocol,worker,agent,cli,web,scripts,test/bench,test/simulation,test/soak}/**/*.test.{ts,tsx}",
          ],
          environment: "node",
          maxWorkers: 2,
        },
      },
      {
        plugins: [workerd],
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts"],
          setupFiles: ["test/workerd/setup.ts"],
          provide: { migrations: await readD1Migrations("./migrations") },
          testTimeout: 15_000,
          expect: patience,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "process",
          include: ["test/process/**/*.test.ts"],
          testTimeout: 60_000,
          expect: patience,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/harness/build.ts"],
          testTimeout: 60_000,
          expect: patience,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          globalSetup: ["test/browser/setup.ts"],
          testTimeout: 60_000,
          expect: patience,
          hookTimeout: 30_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
