/** The circuit breakers of an organization, as requests from the edge ask them. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FAILURES_MAX } from "../../worker/edge/breaker.ts";
import { breakersOf } from "../../worker/edge/breakers.ts";
import { OutboundBreakers } from "../../worker/edge/OutboundBreakers.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function fail(organizationId: string, host: string, times = FAILURES_MAX): Promise<void> {
  for (let i = 0; i < times; i++) await breakersOf(env, organizationId).report(host, false, false);
}

describe("circuit breakers", () => {
  it("stop requests to the host that fails, of the organization whose requests failed", async () => {
    await fail("org-a", "api.example.com");
    const { allow } = breakersOf(env, "org-a");
    expect(await allow("api.example.com")).toEqual({ allowed: false, retryAt: expect.any(Number) });
    expect(await allow("api.example.com:8443")).toEqual({ allowed: true, probe: false });
    expect(await breakersOf(env, "org-b").allow("api.example.com")).toMatchObject({ allowed: true });
  });

  it("forget the failures of a host that answers", async () => {
    await fail("org-c", "api.example.com", FAILURES_MAX - 1);
    await breakersOf(env, "org-c").report("api.example.com", true, false);
    await fail("org-c", "api.example.com", FAILURES_MAX - 1);
    expect(await breakersOf(env, "org-c").allow("api.example.com")).toMatchObject({ allowed: true });
  });

  it("remember the hosts that failed last", async () => {
    await fail("org-d", "first.example.com");
    for (let i = 0; i < 1_000; i++) await fail("org-d", `host-${i}.example.com`, 1);
    await fail("org-d", "last.example.com");
    expect(await breakersOf(env, "org-d").allow("first.example.com")).toMatchObject({ allowed: true });
    expect(await breakersOf(env, "org-d").allow("last.example.com")).toMatchObject({ allowed: false });
  });

  it("stop nobody when they cannot answer", async () => {
    const broken = new Error("the object is gone");
    vi.spyOn(OutboundBreakers.prototype, "allow").mockRejectedValue(broken);
    vi.spyOn(OutboundBreakers.prototype, "report").mockRejectedValue(broken);
    const { allow, report } = breakersOf(env, "org-e");
    expect(await allow("api.example.com")).toEqual({ allowed: true, probe: false });
    await report("api.example.com", false, false);
  });
});
