import { whyNoWebhook } from "../../edge/guard.ts";
import type { Settings } from "../../env.ts";
import { ApiError } from "../../errors.ts";

/** @throws ApiError `invalid_request` for an address that nothing may be sent to */
export function requireAddress({ webhooksToLoopback }: Settings, url: string): void {
  const why = whyNoWebhook(url, webhooksToLoopback);
  if (!why) return;
  const message = `the address ${why}`;
  const detail = `Nothing can be sent there: ${message}. Enter a public https address.`;
  throw new ApiError("invalid_request", detail, { issues: [{ path: "/url", message }] });
}
