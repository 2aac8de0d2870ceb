import { list } from "./list.ts";

export const secretOperations = [list];
