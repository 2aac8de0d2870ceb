/** The agents' sockets: who is calling is found out here, then the object takes over. */
import { isId } from "#protocol/ids.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import type { AppContext } from "../../context.ts";
import { ApiError, notFound } from "../../errors.ts";
import { withHeaders } from "../../http/respond.ts";
import { requireUpgrade, upgradeTo } from "../../http/upgrade.ts";
import { quarantined } from "../../identity/agent.ts";
import { coordinatorOf, type Fetches, poolOf } from "../../objects.ts";
import {
  AGENT_HEADER,
  type AgentIdentity,
  CONNECT_REFUSALS,
  type ConnectRefusal,
} from "../../pool/contract.ts";
import { admitAgent } from "./admitAgent.ts";

/** `GET /agent/v1/control`: the socket to the agent's pool. */
export async function control(c: AppContext): Promise<Response> {
  const agent = await admitSocket(c);
  return connect(c, agent, poolOf(c.env, agent.organizationId, agent.poolId), "/control");
}

/** `GET /agent/v1/executions/{executionId}`: the socket to the coordinator of a leased execution. */
export async function execution(c: AppContext): Promise<Response> {
  const agent = await admitSocket(c);
  const executionId = c.req.param("executionId") ?? "";
  if (!isId("execution", executionId)) throw notFound("execution");
  return connect(c, agent, coordinatorOf(c.env, agent.organizationId, executionId), "/agent");
}

/** Checks the handshake (HS1) and the assertion (HS2). */
async function admitSocket(c: AppContext): Promise<AgentIdentity> {
  const { agent } = await admitAgent(c, () => {
    requireUpgrade(c.req.raw);
    requireSubprotocol(c.req.header("sec-websocket-protocol"));
  });
  return agent;
}

function requireSubprotocol(header: string | undefined): void {
  const offered = (header ?? "").split(",").map((name) => name.trim());
  if (offered.includes(SUBPROTOCOL)) return;
  const detail = header
    ? `This server speaks ${SUBPROTOCOL}, the agent offers ${header.slice(0, 200)}. Upgrade the older of the two.`
    : `Offer the subprotocol ${SUBPROTOCOL} in Sec-WebSocket-Protocol.`;
  throw new ApiError(header ? "version_unsupported" : "invalid_request", detail);
}

async function connect(
  c: AppContext,
  agent: AgentIdentity,
  stub: () => Fetches,
  path: string,
): Promise<Response> {
  const response = await upgradeTo(c.req.raw, stub, path, { [AGENT_HEADER]: JSON.stringify(agent) });
  if (response.status === 404) throw notFound("execution");
  if (response.status === 409) throw quarantined();
  if (response.status === 401) throw new ApiError("invalid_assertion", wordsFor(await response.text()));
  return response.webSocket ? withHeaders(response, { "sec-websocket-protocol": SUBPROTOCOL }) : response;
}

function wordsFor(text: string): string {
  const refusal: ConnectRefusal = CONNECT_REFUSALS.find((each) => each === text) ?? "used";
  switch (refusal) {
    case "late":
      return "A later try of this agent to connect was here before this one. Sign a new assertion.";
    case "uncounted":
      return "This agent has counted its connects before and does not now: upgrade it, or enroll the machine again.";
    case "quarantined":
    case "revoked":
      return "This agent is not welcome any more. Enroll the machine again if it should work here.";
    case "used":
      return "This assertion was used already. Sign a new one.";
    default:
      return refusal satisfies never;
  }
}
