import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Connect, type CounterVerdict, judgeCounter } from "./clones.ts";

describe("[HS5] the counter of connects", () => {
  it("takes a greater number, and any number first", () => {
    expect(judgeCounter(undefined, { counter: 7, issuedAt: 1 })).toBe("new");
    expect(judgeCounter({ counter: 7, issuedAt: 100 }, { counter: 8, issuedAt: 1 })).toBe("new");
  });

  it("finds a number used twice, or a lower one that was signed later", () => {
    const last = { counter: 7, issuedAt: 100 };
    expect(judgeCounter(last, { counter: 7, issuedAt: 90 })).toBe("clone");
    expect(judgeCounter(last, { counter: 6, issuedAt: 101 })).toBe("clone");
  });

  it("takes a try that was given up and overtaken for what it is", () => {
    expect(judgeCounter({ counter: 7, issuedAt: 100 }, { counter: 6, issuedAt: 95 })).toBe("late");
  });

  it("lets an agent that does not count in until it has counted once", () => {
    expect(judgeCounter(undefined, { issuedAt: 1 })).toBe("new");
    expect(judgeCounter({ counter: 7, issuedAt: 100 }, { issuedAt: 101 })).toBe("uncounted");
  });

  it("[fault 22] finds two machines with one state by the third connect of both, whoever goes first", () => {
    const turns = fc.array(fc.constantFrom(0, 1), { minLength: 30, maxLength: 30 });
    const property = fc.property(fc.nat(1_000), turns, (copiedAt, order) => {
      const counters = [copiedAt, copiedAt];
      const connects = [0, 0];
      let last: Connect | undefined;
      for (const [time, machine] of order.entries()) {
        const counter = (counters[machine] ?? 0) + 1;
        counters[machine] = counter;
        const next = { counter, issuedAt: time };
        const verdict: CounterVerdict = judgeCounter(last, next);
        if (verdict === "clone") return;
        last = next;
        connects[machine] = (connects[machine] ?? 0) + 1;
        // Had both been let in twice, one of them would have shown a number that was passed.
        expect(Math.min(...connects)).toBeLessThan(3);
      }
      expect(Math.min(...connects)).toBeLessThan(3);
    });
    fc.assert(property);
  });

  it("never takes one machine for two, whatever of its tries is lost", () => {
    const tries = fc.array(fc.boolean(), { maxLength: 50 });
    const property = fc.property(tries, (arrives) => {
      let last: Connect | undefined;
      for (const [index, isHere] of arrives.entries()) {
        if (!isHere) continue;
        const next = { counter: index + 1, issuedAt: index };
        expect(judgeCounter(last, next)).toBe("new");
        last = next;
      }
    });
    fc.assert(property);
  });
});
