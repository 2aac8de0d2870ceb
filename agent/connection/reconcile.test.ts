import { expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { silentLog } from "../testing/silent-log.ts";
import type { Ending } from "./backoff.ts";
import type { DialEvents, Session } from "./link.ts";
import { Reconciler, WELCOME_TIMEOUT_MS } from "./reconcile.ts";

/** A far end that records dials and lets a test answer them. */
class FarEnd {
  readonly dials: {
    path: string;
    events: DialEvents;
    at: number;
    aborted: boolean;
    sent: string[];
    closed: number | undefined;
    terminated: boolean;
  }[] = [];
  readonly clock = new ManualClock();

  readonly reconciler = new Reconciler({
    clock: this.clock,
    log: silentLog,
    random: () => 0.5,
    dial: (path, events) => {
      const dial = {
        path,
        events,
        at: this.clock.monotonic(),
        aborted: false,
        sent: [] as string[],
        closed: undefined as number | undefined,
        terminated: false,
      };
      this.dials.push(dial);
      return () => {
        dial.aborted = true;
        events.ended({ type: "network", detail: "given up" });
      };
    },
  });

  get last() {
    const dial = this.dials.at(-1);
    if (!dial) throw new Error("nothing was dialed");
    return dial;
  }

  open(): void {
    const dial = this.last;
    dial.events.opened({
      send: (frame) => void dial.sent.push(String(frame)),
      buffered: 0,
      close: (code) => {
        dial.closed = code;
        dial.events.ended({ type: "closed", code, reason: "", settled: false });
      },
      terminate: () => {
        dial.terminated = true;
      },
    });
  }
}

function session(path = "/control"): Session & { lostWith: Ending[]; opens: number } {
  return {
    path,
    lostWith: [],
    opens: 0,
    opened(link) {
      this.opens++;
      link.settle();
    },
    received: (frame) => (frame === "garbage" ? "not of the protocol" : undefined),
    lost(ending) {
      this.lostWith.push(ending);
    },
  };
}

it("[HS3] pings every 20 s and takes any frame for a sign of life", async () => {
  const far = new FarEnd();
  far.reconciler.want("c", session());
  await far.clock.advance(0);
  far.open();
  for (let i = 1; i <= 10; i++) {
    await far.clock.advance(20_000);
    expect(far.last.sent).toHaveLength(i);
    far.last.events.received(i % 2 ? "pong" : "anything");
  }
  expect(new Set(far.last.sent)).toEqual(new Set(["ping"]));
  expect(far.dials).toHaveLength(1);
});

it("[HS3] [G14] calls a peer dead after 45 s of silence, terminates and dials again", async () => {
  const far = new FarEnd();
  const control = session();
  far.reconciler.want("c", control);
  await far.clock.advance(0);
  far.open();
  await far.clock.advance(44_999);
  expect(far.last.terminated).toBe(false);
  await far.clock.advance(1);
  expect(far.dials[0]?.terminated).toBe(true);
  expect(control.lostWith).toEqual([{ type: "silent" }]);
  await far.clock.advance(1_000);
  expect(far.dials).toHaveLength(2);
});

it("[CM1] dials again when the welcome never comes, however lively the socket is", async () => {
  const far = new FarEnd();
  const control = session();
  control.opened = () => {};
  far.reconciler.want("c", control);
  await far.clock.advance(0);
  far.open();
  await far.clock.advance(WELCOME_TIMEOUT_MS - 1);
  far.last.events.received("pong");
  expect(far.last.terminated).toBe(false);
  await far.clock.advance(1);
  expect(far.dials[0]?.terminated).toBe(true);
  await far.clock.advance(1_000);
  expect(far.dials).toHaveLength(2);
});

it("[HS4] goes on dialing for a simulated week of 401s, slowly", async () => {
  const far = new FarEnd();
  far.reconciler.want("c", session());
  await far.clock.advance(0);
  const week = 7 * 24 * 3_600;
  for (let spent = 0; spent < week; spent += 45) {
    far.last.events.ended({ type: "refused", status: 401, detail: "HTTP 401" });
    await far.clock.advance(45_000);
  }
  expect(far.dials).toHaveLength(1 + week / 45);
});

it("ignores what an older socket still says", async () => {
  const far = new FarEnd();
  const control = session();
  far.reconciler.want("c", control);
  await far.clock.advance(0);
  far.open();
  const old = far.last.events;
  await far.clock.advance(45_000);
  await far.clock.advance(1_000);
  far.open();
  old.ended({ type: "closed", code: 1006, reason: "", settled: true });
  old.received("garbage");
  expect(control.lostWith).toHaveLength(1);
  expect(far.last.closed).toBeUndefined();
});

it("closes with 4400 on garbage, and reconnects", async () => {
  const far = new FarEnd();
  far.reconciler.want("c", session());
  await far.clock.advance(0);
  far.open();
  far.last.events.received("garbage");
  expect(far.last.closed).toBe(4400);
  await far.clock.advance(1_000);
  expect(far.dials).toHaveLength(2);
});

it("closes what is no longer wanted, gives up a dial under way, and is then empty", async () => {
  const far = new FarEnd();
  const one = session("/one");
  far.reconciler.want("one", one);
  await far.clock.advance(0);
  far.open();
  far.reconciler.want("two", session("/two"));
  await far.clock.advance(0);
  await far.reconciler.shutdown("bye");
  expect(far.dials.map(({ closed, aborted }) => closed ?? aborted)).toEqual([1000, true]);
  await far.clock.advance(600_000);
  expect(far.dials).toHaveLength(2);
  expect(far.clock.pending).toBe(0);
});

it("keeps sockets apart: one that is refused does not slow another", async () => {
  const far = new FarEnd();
  far.reconciler.want("control", session("/control"));
  await far.clock.advance(0);
  far.last.events.ended({ type: "refused", status: 403, detail: "HTTP 403" });
  far.reconciler.want("data", session("/data"));
  await far.clock.advance(0);
  expect(far.last.path).toBe("/data");
});

it.each<[string, Ending, number, number]>([
  ["[fault 18] a captive portal that answers HTML", { type: "foreign", status: 200, detail: "" }, 120, 135],
  ["[fault 19] a 401 each time", { type: "refused", status: 401, detail: "" }, 80, 81],
  ["[fault 19] a 403 each time", { type: "refused", status: 403, detail: "" }, 80, 81],
  [
    "[fault 20] a 503 that asks for ten minutes",
    { type: "refused", status: 503, detail: "", retryAfterMs: 600_000 },
    6,
    7,
  ],
  [
    "[fault 20] a 429 that asks for a minute",
    { type: "refused", status: 429, detail: "", retryAfterMs: 60_000 },
    40,
    62,
  ],
  ["[fault 21] a proxy that refuses the tunnel", { type: "network", detail: "407" }, 120, 135],
  ["[HS1] a version that nobody shares", { type: "refused", status: 426, detail: "" }, 10, 12],
  ["[HS5] a quarantine", { type: "closed", code: 4423, reason: "", settled: true }, 80, 81],
])("is no hot loop, and never given up, within an hour of %s", async (_, ending, least, most) => {
  const far = new FarEnd();
  far.reconciler.want("control", session());
  let seen = 0;
  for (let second = 0; second < 3_600; second++) {
    await far.clock.advance(1_000);
    for (; seen < far.dials.length; seen++) far.dials[seen]?.events.ended(ending);
  }
  expect(far.dials.length).toBeGreaterThanOrEqual(least);
  expect(far.dials.length).toBeLessThanOrEqual(most);
  // Put right at last: it is connected within the longest pause.
  await far.clock.advance(660_000);
  far.open();
  expect(far.reconciler.contact("control")).toMatchObject({ phase: "open", settled: true });
});

it.each(["while it is dialed", "while it is open"])(
  "dials anew %s when what it would say is no longer true",
  async (when) => {
    const far = new FarEnd();
    const control = session();
    far.reconciler.want("control", control);
    await far.clock.advance(0);
    if (when === "while it is open") far.open();
    const [first] = far.dials;
    far.reconciler.redial("control", "a new key");
    await far.clock.advance(0);
    expect(far.dials).toHaveLength(2);
    expect(first?.aborted || first?.closed === 1000).toBe(true);
    far.open();
    expect(control.opens).toBe(when === "while it is open" ? 2 : 1);
  },
);
