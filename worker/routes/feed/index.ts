import { follow } from "./follow.ts";

export const feedOperations = [follow];
