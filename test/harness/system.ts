/** The whole system on real parts: workerd, D1, objects, and agents as processes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type ControlPlane, startControlPlane } from "../../scripts/lib/controlPlane.ts";
import { type AgentOptions, TestAgent } from "./agent.ts";
import { clearCgroups } from "./cgroups.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import { FrameProxy } from "./frameProxy.ts";
import { Middlebox } from "./middlebox.ts";
import { Oracle } from "./oracle.ts";
import { clearPipes } from "./pipes.ts";
import { childrenOf, untilGone } from "./processes.ts";
import { TcpProxy } from "./tcpProxy.ts";
import { Tenant } from "./tenant.ts";

/** Signs the sessions of every world; they share nothing else. */
const AUTH_SECRET = "a secret for tests that is long enough";

export class World {
  readonly folder: string;
  readonly #agents: TestAgent[] = [];
  readonly #fleets: Fleet[] = [];
  readonly #tenants: Tenant[] = [];
  readonly #proxies: Array<{ close(): Promise<void> }> = [];
  #plane: ControlPlane;
  #folders = 0;

  private constructor(folder: string, plane: ControlPlane) {
    this.folder = folder;
    this.#plane = plane;
  }

  static async start(): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "farhand-world-"));
    return new World(folder, await planeIn(folder, 0));
  }

  get url(): string {
    return this.#plane.url;
  }

  get port(): number {
    return this.#plane.port;
  }

  get logFile(): string {
    return this.#plane.logFile;
  }

  /** A fresh organization. */
  async signUp(): Promise<Tenant> {
    const tenant = await Tenant.signUp(this.url);
    this.#tenants.push(tenant);
    return tenant;
  }

  /** An agent in the tenant's pool, connected. */
  async startAgent(tenant: Tenant, options: AgentOptions = {}): Promise<TestAgent> {
    const agent = await TestAgent.start(tenant, options.folder ?? this.newFolder("agent"), options);
    this.#agents.push(agent);
    return agent;
  }

  /** Many agents in the tenant's pool, connected, in few processes. */
  async startFleet(tenant: Tenant, options: Omit<FleetOptions, "folder">): Promise<Fleet> {
    const place = { folder: this.newFolder("fleet"), ...options };
    const fleet = await Fleet.open(tenant.api, tenant.poolId, place);
    this.#fleets.push(fleet);
    await fleet.connect();
    return fleet;
  }

  /** An agent on a state directory that holds an identity already; not started yet. */
  agentOn(stateDir: string): TestAgent {
    const agent = TestAgent.on(stateDir);
    this.#agents.push(agent);
    return agent;
  }

  oracle(): Oracle {
    return new Oracle(join(this.folder, `oracle-${this.#folders++}`));
  }

  newFolder(name: string): string {
    return join(this.folder, `${name}-${this.#folders++}`);
  }

  /** A bad network in front of the control plane, or of another proxy at that port. */
  async tcpProxy(port: number = this.port): Promise<TcpProxy> {
    const proxy = await TcpProxy.to(port);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** Mistreats single frames in front of the control plane. */
  async frameProxy(): Promise<FrameProxy> {
    const proxy = await FrameProxy.to(this.port);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** Something in front of the control plane that speaks HTTP itself. */
  async middlebox(): Promise<Middlebox> {
    const middlebox = await Middlebox.before(this.port);
    this.#proxies.push(middlebox);
    return middlebox;
  }

  /** Ends workerd like a power cut; it is started again at once, on the same storage and port. */
  async killRuntime(): Promise<void> {
    const pids = childrenOf(this.#plane.pid, "workerd");
    if (pids.length === 0) throw new Error("workerd does not run");
    for (const pid of pids) process.kill(pid, "SIGKILL");
    await untilGone(pids);
    await this.#untilHealthy();
  }

  /** Stops everything of the control plane and starts it again, on the same storage and port. */
  async restartControlPlane(): Promise<void> {
    const { port } = this.#plane;
    await this.#plane.stop();
    this.#plane = await planeIn(this.folder, port);
  }

  /** Ends everything. @param keep leaves the folder for whoever wants to look into it */
  async close({ keep = false } = {}): Promise<void> {
    for (const tenant of this.#tenants) tenant.close();
    await Promise.all([...this.#agents, ...this.#fleets].map((each) => each.kill()));
    const stateDirs = [
      ...this.#agents.map(({ stateDir }) => stateDir),
      ...this.#fleets.flatMap((fleet) => fleet.stateDirs),
    ];
    await Promise.all(stateDirs.map((stateDir) => clearCgroups(stateDir)));
    for (const stateDir of stateDirs) clearPipes(stateDir);
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    await this.#plane.stop();
    if (!keep) await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #untilHealthy(): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (performance.now() < deadline) {
      const response = await fetch(`${this.url}/api/v1/health`).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.ok) return;
      await wait(20);
    }
    throw new Error(`the control plane did not come back; its log is ${this.logFile}`);
  }
}

function planeIn(folder: string, port: number): Promise<ControlPlane> {
  return startControlPlane({
    dataDir: join(folder, "data"),
    authSecret: AUTH_SECRET,
    port,
    settings: { RATE_LIMIT_PER_MINUTE: "1000000", WEBHOOKS_TO_LOOPBACK: "true" },
  });
}
