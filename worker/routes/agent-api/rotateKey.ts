import { rotateKeyRequestSchema } from "#protocol/assertion.ts";
import type { AppContext } from "../../context.ts";
import { parseInput, readJson } from "../../http/input.ts";
import { respond } from "../../http/respond.ts";
import { rotateKey as rotate } from "../../services/agents/rotateKey.ts";
import { admitAgent } from "./admitAgent.ts";

/** `POST /agent/v1/rotate-key`: an agent proposes its next key, signed by both. */
export async function rotateKey(c: AppContext): Promise<Response> {
  const agent = await admitAgent(c);
  const request = parseInput(rotateKeyRequestSchema, await readJson(c.req.raw), "body");
  return respond(c, { data: await rotate(c.env, agent, request) });
}
