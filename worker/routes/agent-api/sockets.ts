/** The agents' sockets: who is calling is found out here, then the object takes over. */
import { isId } from "#protocol/ids.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import type { AppContext } from "../../context.ts";
import { ApiError, notFound } from "../../errors.ts";
import { withHeaders } from "../../http/respond.ts";
import { requireUpgrade, upgradeTo } from "../../http/upgrade.ts";
import { authenticateAgent } from "../../identity/agent.ts";
import { admit, askForAnonymous } from "../../limiter/admission.ts";
import { coordinatorOf, type Fetches, poolOf } from "../../objects.ts";
import { AGENT_HEADER, type AgentIdentity } from "../../pool/contract.ts";

/** `GET /agent/v1/control`: the socket to the agent's pool. */
export async function control(c: AppContext): Promise<Response> {
  const agent = await admitAgent(c);
  return connect(c, agent, poolOf(c.env, agent.organizationId, agent.poolId), "/control");
}

/** `GET /agent/v1/executions/{executionId}`: the socket to the coordinator of a leased execution. */
export async function execution(c: AppContext): Promise<Response> {
  const agent = await admitAgent(c);
  const executionId = c.req.param("executionId") ?? "";
  if (!isId("execution", executionId)) throw notFound("execution");
  return connect(c, agent, coordinatorOf(c.env, agent.organizationId, executionId), "/agent");
}

/** Checks the handshake (HS1) and the assertion (HS2); a refused one counts against its address. */
async function admitAgent(c: AppContext): Promise<AgentIdentity> {
  try {
    requireUpgrade(c.req.raw);
    requireSubprotocol(c.req.header("sec-websocket-protocol"));
    return await authenticateAgent(c.req.raw, c.env, c.var.settings);
  } catch (error) {
    if (error instanceof ApiError) admit(await askForAnonymous(c));
    throw error;
  }
}

function requireSubprotocol(header: string | undefined): void {
  const offered = (header ?? "").split(",").map((name) => name.trim());
  if (offered.includes(SUBPROTOCOL)) return;
  const detail = header
    ? `This server speaks ${SUBPROTOCOL}, the agent offers ${header.slice(0, 200)}. Upgrade the older of the two.`
    : `Offer the subprotocol ${SUBPROTOCOL} in Sec-WebSocket-Protocol.`;
  throw new ApiError(header ? "upgrade_required" : "invalid_request", detail);
}

async function connect(
  c: AppContext,
  agent: AgentIdentity,
  stub: () => Fetches,
  path: string,
): Promise<Response> {
  const response = await upgradeTo(c.req.raw, stub, path, { [AGENT_HEADER]: JSON.stringify(agent) });
  if (response.status === 404) throw notFound("execution");
  if (response.status === 401) {
    throw new ApiError("invalid_assertion", "This assertion was used already. Sign a new one.");
  }
  return response.webSocket ? withHeaders(response, { "sec-websocket-protocol": SUBPROTOCOL }) : response;
}
