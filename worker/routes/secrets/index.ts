import { get } from "./get.ts";
import { list } from "./list.ts";
import { put } from "./put.ts";
import { remove } from "./remove.ts";

export const secretOperations = [list, get, put, remove];
