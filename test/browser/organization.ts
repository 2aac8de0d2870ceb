/** An organization with a person in it, and real agents when it needs them. */
import { randomBytes } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { z } from "zod";
import { type ExecutionSummary, executionSchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { type Agent, agentSchema, joinTokenCreatedSchema, poolSchema } from "#protocol/api/pools.ts";
import { type Runbook, runbookSchema } from "#protocol/api/runbooks.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import { statePaths } from "../../agent/paths.ts";
import { SecretStore } from "../../agent/secrets/store.ts";
import { type AgentProcess, enrollAgent, runAgent } from "../../scripts/lib/agentProcess.ts";
import { Client, openSession } from "../../scripts/lib/client.ts";
import { Fleet } from "../harness/fleet.ts";

export interface Person {
  name: string;
  email: string;
  password: string;
}

export function newPerson(name = "Ada Lovelace"): Person {
  const unique = randomBytes(6).toString("hex");
  return { name, email: `${unique}@example.com`, password: randomBytes(9).toString("base64url") };
}

export class Organization {
  readonly person: Person;
  readonly client: Client;
  readonly cookie: string;
  private readonly agents: AgentProcess[] = [];
  private readonly fleets: Fleet[] = [];
  private readonly folders: string[] = [];

  private constructor(person: Person, client: Client, cookie: string) {
    this.person = person;
    this.client = client;
    this.cookie = cookie;
  }

  /** Signs a new person up; an organization comes with it. */
  static create(url: string): Promise<Organization> {
    return Organization.enter(url, "sign-up", newPerson());
  }

  /** Of a person who has signed up already. */
  static logIn(url: string, person: Person): Promise<Organization> {
    return Organization.enter(url, "sign-in", person);
  }

  private static async enter(url: string, how: "sign-up" | "sign-in", person: Person): Promise<Organization> {
    const cookie = await openSession(new Client(url), how, { ...person });
    if (!cookie) throw new Error(`the person could not ${how}`);
    return new Organization(person, new Client(url, { cookie }), cookie);
  }

  /** Enrols and runs an agent in the pool; resolves when it is connected. */
  async startAgent(
    name = "test-agent",
    slots = 4,
    secrets: Record<string, string> = {},
  ): Promise<AgentProcess> {
    const { token } = await this.client.call(joinTokenCreatedSchema, "POST", "/join-tokens", {
      body: { poolId: await this.poolId() },
    });
    return this.runAgent(token, name, slots, secrets);
  }

  /** So many agents in one process, called `agent-00` and so on; resolves when all are connected. */
  async startFleet(count: number): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "farhand-browser-fleet-"));
    this.folders.push(folder);
    this.fleets.push(await Fleet.start(this.client, await this.poolId(), { count, folder }));
  }

  /** Runs an agent with a token that somebody made. @param secrets what is in its own store */
  async runAgent(
    token: string,
    name: string,
    slots = 4,
    secrets: Record<string, string> = {},
  ): Promise<AgentProcess> {
    const folder = await mkdtemp(join(tmpdir(), "farhand-browser-agent-"));
    this.folders.push(folder);
    const settings = { stateDir: join(folder, "state"), logFile: join(folder, "agent.log"), slots };
    await enrollAgent({ ...settings, url: this.client.url, token, name });
    const store = new SecretStore(statePaths(settings.stateDir).secrets);
    for (const [secret, value] of Object.entries(secrets)) store.set(secret, Buffer.from(value));
    const agent = runAgent(settings);
    this.agents.push(agent);
    await vi.waitFor(async () => expect((await this.agentCalled(name))?.presence).toBeDefined(), {
      timeout: 20_000,
      interval: 50,
    });
    return agent;
  }

  /** An agent and a copy of it with the same key, both running; resolves when they were found out and have ended. */
  async quarantinedAgent(name: string): Promise<void> {
    const { token } = await this.client.call(joinTokenCreatedSchema, "POST", "/join-tokens", {
      body: { poolId: await this.poolId() },
    });
    const folder = await mkdtemp(join(tmpdir(), "farhand-browser-clone-"));
    this.folders.push(folder);
    const [one, copy] = [join(folder, "one"), join(folder, "copy")];
    await enrollAgent({ stateDir: one, url: this.client.url, token, name });
    await cp(one, copy, { recursive: true });
    const both = [one, copy].map((stateDir) => runAgent({ stateDir, logFile: `${stateDir}.log` }));
    this.agents.push(...both);
    await vi.waitFor(async () => expect((await this.agentCalled(name))?.quarantinedAt).toBeDefined(), {
      timeout: 20_000,
      interval: 50,
    });
    await Promise.all(both.map((each) => each.stop()));
  }

  async write(source: string): Promise<Runbook> {
    return this.client.call(runbookSchema, "POST", "/runbooks", { body: { source } });
  }

  async run(runbook: Runbook): Promise<ExecutionSummary> {
    return this.client.call(executionSummarySchema, "POST", `/runbooks/${runbook.id}/executions`, {
      body: {},
    });
  }

  /** Runs a script as a runbook of one step called `step`, to its end; returns the execution's id. */
  async runToEnd(script: string): Promise<string> {
    const runbook = await this.write(`# Script\n\n\`\`\`\`bash {name=step}\n${script}\n\`\`\`\`\n`);
    const { id } = await this.run(runbook);
    await vi.waitFor(
      async () => {
        const { state } = await this.client.call(executionSchema, "GET", `/executions/${id}`);
        expect(isExecutionTerminal(state)).toBe(true);
      },
      { timeout: 40_000, interval: 50 },
    );
    return id;
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.agents, ...this.fleets].map((each) => each.stop()));
    await Promise.all(this.folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }

  /** Of the pool called `default`, which is made when it is not there. */
  private async poolId(): Promise<string> {
    const pools = await this.client.call(z.array(poolSchema), "GET", "/pools");
    const pool =
      pools.find(({ name }) => name === "default") ??
      (await this.client.call(poolSchema, "POST", "/pools", { body: { name: "default" } }));
    return pool.id;
  }

  private async agentCalled(wanted: string): Promise<Agent | undefined> {
    const agents = await this.client.call(z.array(agentSchema), "GET", "/agents");
    return agents.find(({ name }) => name === wanted);
  }
}
