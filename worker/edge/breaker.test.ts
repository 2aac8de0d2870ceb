import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  admit,
  type Circuit,
  CLOSED,
  COOL_DOWN_MAX_MS,
  COOL_DOWN_MS,
  FAILURES_MAX,
  PROBE_MS,
  reported,
  WINDOW_MS,
} from "./breaker.ts";

function failing(times: number, { now = 0, gap = 0, from = CLOSED } = {}): Circuit {
  let circuit = from;
  for (let i = 0; i < times; i++) circuit = reported(circuit, false, false, now + i * gap);
  return circuit;
}

/** Opens a circuit at 0 and lets one request through after the cool-down. */
function probing(): Circuit {
  return admit(failing(FAILURES_MAX), COOL_DOWN_MS).circuit;
}

describe("circuit breaker", () => {
  it("lets everything through until a host has failed so many times in a row", () => {
    expect(admit(failing(FAILURES_MAX - 1), 0).admission).toEqual({ allowed: true, probe: false });
    expect(admit(failing(FAILURES_MAX), 0).admission).toEqual({ allowed: false, retryAt: COOL_DOWN_MS });
  });

  it("starts to count again with each answer", () => {
    const answered = reported(failing(FAILURES_MAX - 1), true, false, 0);
    expect(admit(failing(FAILURES_MAX - 1, { from: answered }), 0).admission.allowed).toBe(true);
  });

  it("forgets failures that are older than the window", () => {
    const gap = WINDOW_MS / (FAILURES_MAX - 1);
    expect(failing(FAILURES_MAX, { gap }).state).toBe("closed");
    expect(failing(FAILURES_MAX, { gap: gap - 1 }).state).toBe("open");
  });

  it("lets one request find out whether the host is back, and nobody else meanwhile", () => {
    const open = failing(FAILURES_MAX);
    expect(admit(open, COOL_DOWN_MS - 1).admission.allowed).toBe(false);
    const { circuit, admission } = admit(open, COOL_DOWN_MS);
    expect(admission).toEqual({ allowed: true, probe: true });
    const retryAt = COOL_DOWN_MS + PROBE_MS;
    expect(admit(circuit, COOL_DOWN_MS).admission).toEqual({ allowed: false, retryAt });
    expect(admit(circuit, retryAt).admission).toEqual({ allowed: true, probe: true });
  });

  it("closes when the probe is answered", () => {
    expect(reported(probing(), true, true, COOL_DOWN_MS)).toEqual(CLOSED);
  });

  it("opens for longer each time that a probe fails, up to a limit", () => {
    let circuit = probing();
    let now = COOL_DOWN_MS;
    const coolDowns = [];
    for (let i = 0; i < 7; i++) {
      circuit = reported(circuit, false, true, now);
      const { admission } = admit(circuit, now);
      if (admission.allowed) throw new Error("it should be open");
      coolDowns.push(admission.retryAt - now);
      now = admission.retryAt;
      circuit = admit(circuit, now).circuit;
    }
    expect(coolDowns.slice(0, 3)).toEqual([2, 4, 8].map((factor) => factor * COOL_DOWN_MS));
    expect(coolDowns.at(-1)).toBe(COOL_DOWN_MAX_MS);
  });

  it("learns nothing from requests that began before it opened", () => {
    const open = failing(FAILURES_MAX);
    for (const ok of [true, false]) {
      expect(reported(open, ok, false, 1)).toEqual(open);
      expect(reported(probing(), ok, false, COOL_DOWN_MS)).toEqual(probing());
    }
  });

  it("leaves no host alone for ever, whatever happens", () => {
    const happening = fc.record({
      pause: fc.integer({ min: 0, max: 2 * COOL_DOWN_MAX_MS }),
      ok: fc.boolean(),
      probe: fc.boolean(),
      asks: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        let circuit = CLOSED;
        let now = 0;
        for (const { pause, ok, probe, asks } of happenings) {
          now += pause;
          circuit = asks ? admit(circuit, now).circuit : reported(circuit, ok, probe, now);
          const { admission } = admit(circuit, now);
          if (admission.allowed) continue;
          expect(admission.retryAt).toBeLessThanOrEqual(now + COOL_DOWN_MAX_MS);
          expect(admit(circuit, admission.retryAt).admission.allowed).toBe(true);
        }
      }),
    );
  });
});
