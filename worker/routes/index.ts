import { agentOperations } from "./agents/index.ts";
import { aliasOperations } from "./aliases.ts";
import { apiKeyOperations } from "./api-keys/index.ts";
import { executionOperations } from "./executions/index.ts";
import { feedOperations } from "./feed/index.ts";
import { joinTokenOperations } from "./join-tokens/index.ts";
import { lockOperations } from "./locks/index.ts";
import { organizationOperations } from "./organization/index.ts";
import { poolOperations } from "./pools/index.ts";
import { runbookOperations } from "./runbooks/index.ts";
import { secretOperations } from "./secrets/index.ts";
import { signingKeyOperations } from "./signing-keys/index.ts";
import { systemOperations } from "./system/index.ts";
import { webhookOperations } from "./webhooks/index.ts";

/** Every operation of the API that needs a caller. */
export const operations = [
  ...systemOperations,
  ...runbookOperations,
  ...executionOperations,
  ...feedOperations,
  ...poolOperations,
  ...agentOperations,
  ...joinTokenOperations,
  ...apiKeyOperations,
  ...signingKeyOperations,
  ...lockOperations,
  ...secretOperations,
  ...organizationOperations,
  ...webhookOperations,
  ...aliasOperations,
];
