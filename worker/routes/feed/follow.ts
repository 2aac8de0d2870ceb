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
    errors: ["upgrade_required", "origin_not_allowed"],
  },
  ({ c, caller }) => upgradeTo(c.req.raw, feedOf(c.env, caller.organization.id), "/feed"),
);
