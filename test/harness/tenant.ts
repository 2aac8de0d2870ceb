/** One organization of its own for a test: a person, a key and a pool. */
import { z } from "zod";
import { SCOPES } from "#protocol/actor.ts";
import { executionSummarySchema } from "#protocol/api/executions.ts";
import { apiKeyCreatedSchema, meSchema } from "#protocol/api/keys.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { Client, openSession } from "../../scripts/lib/client.ts";
import { FollowedExecution } from "./execution.ts";

let count = 0;

export class Tenant {
  readonly email: string;
  readonly password: string;
  readonly organizationId: string;
  readonly poolId: string;
  readonly apiKey: string;
  readonly cookie: string;
  /** Acts with the API key. */
  readonly api: Client;
  /** Acts as the person, with the session's cookie. */
  readonly session: Client;
  readonly #followed: FollowedExecution[] = [];

  private constructor(fields: {
    email: string;
    password: string;
    organizationId: string;
    poolId: string;
    apiKey: string;
    cookie: string;
    url: string;
    origin: string;
  }) {
    this.email = fields.email;
    this.password = fields.password;
    this.organizationId = fields.organizationId;
    this.poolId = fields.poolId;
    this.apiKey = fields.apiKey;
    this.cookie = fields.cookie;
    this.api = new Client(fields.url, { apiKey: fields.apiKey });
    this.session = new Client(fields.url, { cookie: fields.cookie }, fields.origin);
  }

  /**
   * Signs a fresh person up, who gets an organization, and makes a key and a pool called `default`.
   * @param origin under which the control plane is published
   */
  static async signUp(url: string, origin = url): Promise<Tenant> {
    count += 1;
    const person = {
      email: `person-${count}@example.com`,
      password: "correct horse battery",
      name: `Person ${count}`,
    };
    const cookie = await openSession(new Client(url, undefined, origin), "sign-up", person);
    if (!cookie) throw new Error(`${person.email} could not sign up`);
    const session = new Client(url, { cookie }, origin);
    const me = await session.call(meSchema, "GET", "/me");
    const key = await session.call(apiKeyCreatedSchema, "POST", "/api-keys", {
      body: { name: "test", scopes: SCOPES },
    });
    const pools = await session.call(z.array(poolSchema), "GET", "/pools");
    const pool =
      pools.find((each) => each.name === "default") ??
      (await session.call(poolSchema, "POST", "/pools", { body: { name: "default" } }));
    const organizationId = me.organization.id;
    return new Tenant({ ...person, url, origin, cookie, organizationId, poolId: pool.id, apiKey: key.key });
  }

  /** The id of a new runbook. */
  async runbook(source: string): Promise<string> {
    const runbook = await this.api.call(runbookSchema, "POST", "/runbooks", { body: { source } });
    return runbook.id;
  }

  /** Starts an execution and follows it. */
  async run(source: string, body: object = {}): Promise<FollowedExecution> {
    return this.start(await this.runbook(source), body);
  }

  async start(runbookId: string, body: object = {}): Promise<FollowedExecution> {
    const path = `/runbooks/${runbookId}/executions`;
    const { id } = await this.api.call(executionSummarySchema, "POST", path, { body });
    const execution = new FollowedExecution(this.api, id);
    this.#followed.push(execution);
    return execution;
  }

  close(): void {
    for (const execution of this.#followed) execution.close();
  }
}

/** A runbook whose steps are these scripts, by name. */
export function runbookOf(steps: Record<string, string>): string {
  const fences = Object.entries(steps).map(
    ([name, script]) => `\`\`\`bash {name=${name}}\n${script}\n\`\`\``,
  );
  return `# Test\n\n${fences.join("\n\n")}\n`;
}

/** The fence of a step that does no harm when it runs more than once, and does so also when nobody knows its fate. */
export function repeatedFence(name: string, maxAttempts: number, more: object): string {
  const retry = { "max-attempts": maxAttempts, delay: "1s", on: ["failed", "timed_out", "unknown"] };
  const block = { kind: "command", name, interpreter: "bash", idempotent: true, retry, ...more };
  return `\`\`\`farhand\n${JSON.stringify(block)}\n\`\`\``;
}
