import { compare } from "./compare.ts";
import { create } from "./create.ts";
import { get } from "./get.ts";
import { getVersion } from "./get-version.ts";
import { list } from "./list.ts";
import { listVersions } from "./list-versions.ts";
import { parse } from "./parse.ts";
import { plan } from "./plan.ts";
import { remove } from "./remove.ts";
import { rollback } from "./rollback.ts";
import { sign } from "./sign-version.ts";
import { update } from "./update.ts";

export const runbookOperations = [
  parse,
  create,
  list,
  get,
  update,
  remove,
  listVersions,
  getVersion,
  sign,
  rollback,
  compare,
  plan,
];
