import { ApiError } from "../../errors.ts";
import { credentialHeaders } from "../../feed/contract.ts";
import { operation } from "../../http/operation.ts";
import { upgradeTo } from "../../http/upgrade.ts";
import { feedOf } from "../../objects.ts";

export const follow = operation(
  {
    method: "get",
    path: "/feed",
    tag: "Feed",
    summary: "Follow the organization's executions and agents over a WebSocket",
    access: "executions:read",
    errors: ["upgrade_required", "origin_not_allowed", "rate_limited"],
  },
  async ({ c, caller }) => {
    const feed = feedOf(c.env, caller.organization.id);
    const response = await upgradeTo(c.req.raw, feed, "/feed", credentialHeaders(caller));
    if (response.status === 401) throw new ApiError("unauthenticated", "This log-in or API key has ended.");
    if (response.status === 429) {
      throw new ApiError("rate_limited", await response.text(), { headers: { "retry-after": "10" } });
    }
    return response;
  },
);
