import { create } from "./create.ts";
import { list } from "./list.ts";
import { update } from "./update.ts";

export const poolOperations = [create, list, update];
