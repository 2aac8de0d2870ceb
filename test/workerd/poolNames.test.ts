import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { newId } from "#protocol/ids.ts";
import { tenantDb } from "../../worker/db/tenant.ts";
import { signUp } from "./harness.ts";

it("pools are found by as many names as a runbook may have", async () => {
  const { organizationId } = await signUp();
  const { pools } = tenantDb(env.DB, organizationId);
  const id = newId("pool");
  await pools.create(id, "pool-499", new Date());
  const names = Array.from({ length: 500 }, (_, at) => `pool-${at}`);
  expect(await pools.idsOf(names)).toEqual({ "pool-499": id });
  expect(await pools.idsOf([])).toEqual({});
});
