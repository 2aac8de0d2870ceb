import type { AppContext } from "../../context.ts";
import { ApiError } from "../../errors.ts";
import { type AuthenticatedAgent, authenticateAgent } from "../../identity/agent.ts";
import { admit, askForAnonymous } from "../../limiter/admission.ts";

/** Checks the assertion (HS2), and what else is asked of it first; a refused one counts against its address. */
export async function admitAgent(c: AppContext, checkFirst = () => {}): Promise<AuthenticatedAgent> {
  try {
    checkFirst();
    return await authenticateAgent(c.req.raw, c.env, c.var.settings);
  } catch (error) {
    if (error instanceof ApiError) admit(await askForAnonymous(c));
    throw error;
  }
}
