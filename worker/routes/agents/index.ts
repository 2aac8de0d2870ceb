import { get } from "./get.ts";
import { list } from "./list.ts";
import { release } from "./release.ts";
import { revoke } from "./revoke.ts";

export const agentOperations = [list, get, revoke, release];
