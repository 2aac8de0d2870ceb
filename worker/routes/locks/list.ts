import { z } from "zod";
import { namedLockSchema } from "#protocol/api/locks.ts";
import { operation } from "../../http/operation.ts";
import type { LockView } from "../../locks/contract.ts";
import { callObject, locksOf } from "../../objects.ts";

export const list = operation(
  {
    method: "get",
    path: "/locks",
    tag: "Executions",
    summary: "List the named locks that are held or waited for",
    access: "executions:read",
    response: z.array(namedLockSchema),
  },
  async ({ c, caller }) => {
    const locks = await callObject(locksOf(c.env, caller.organization.id), (object) => object.listLocks());
    return {
      data: locks.map(({ holders, waiting, ...lock }) => ({
        ...lock,
        holders: holders.map(toEntry),
        waiting: waiting.map(toEntry),
      })),
    };
  },
);

function toEntry({ since, ...entry }: LockView["holders"][number]) {
  return { ...entry, since: new Date(since).toISOString() };
}
