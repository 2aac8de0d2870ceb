/** Whether the URL of a request can be requested from where the block says. */
import type { ApiBlock } from "../blocks/index.ts";
import { whyNotReachable } from "../http/publicHost.ts";
import { urlProblem } from "../http/request.ts";
import type { DocumentIssue } from "./check.ts";

export function urlProblems({ url, from }: Pick<ApiBlock, "url" | "from">): DocumentIssue[] {
  if (typeof url !== "string") return [];
  const message = urlProblem(url) ?? (from === "edge" ? edgeProblem(new URL(url)) : undefined);
  return message === undefined ? [] : [{ path: ["url"], message }];
}

function edgeProblem(url: URL): string | undefined {
  // A control plane on a developer's machine reaches others there; any other refuses it when it runs.
  if (/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) return undefined;
  const why = url.protocol === "https:" ? whyNotReachable(url) : "does not begin with https://";
  return why && `the address ${why}; leave \`from\` out to have an agent request it`;
}
