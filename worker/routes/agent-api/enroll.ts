import { enrollRequestSchema } from "#protocol/assertion.ts";
import type { AppContext } from "../../context.ts";
import { parseInput, readJson } from "../../http/input.ts";
import { respond } from "../../http/respond.ts";
import { admit, askForAnonymous } from "../../limiter/admission.ts";
import { enrollAgent } from "../../services/agents/enroll.ts";

/** `POST /agent/v1/enroll`: a new agent comes in on a join token. */
export async function enroll(c: AppContext): Promise<Response> {
  admit(await askForAnonymous(c));
  const request = parseInput(enrollRequestSchema, await readJson(c.req.raw), "body");
  return respond(c, { data: await enrollAgent(c.env, request), status: 201 });
}
