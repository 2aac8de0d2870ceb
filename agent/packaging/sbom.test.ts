import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { sbomOf } from "./sbom.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

it("[S17] lists the packages in the bundle, each once, with what the lockfile knows of them", async () => {
  const inputs = [
    "agent/main.ts",
    "node_modules/zod/v4/index.js",
    "../main/node_modules/zod/v4/core.js",
    "node_modules/@hono/zod-openapi/x.js",
  ];
  const { components } = JSON.parse(await sbomOf({ root, version: "1.0.0", inputs, node: "26.10.0" }));
  expect(components).toEqual([
    expect.objectContaining({ purl: expect.stringMatching(/^pkg:npm\/%40hono\/zod-openapi@\d/) }),
    expect.objectContaining({
      name: "zod",
      licenses: [{ license: { name: "MIT" } }],
      hashes: [{ alg: "SHA-512", content: expect.stringMatching(/^[0-9a-f]{128}$/) }],
    }),
    expect.objectContaining({ name: "node", version: "26.10.0" }),
  ]);
});
