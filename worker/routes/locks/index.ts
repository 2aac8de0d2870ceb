import { list } from "./list.ts";

export const lockOperations = [list];
