import fc from "fast-check";
import { expect, it } from "vitest";
import { Filter } from "./filter.ts";
import type { Form } from "./forms.ts";

/** What a form may hold that means something to the filter: breaks and escapes too, but no break at first. */
const letter = fc.constantFrom(..."abcXYZ019\t\0\xff\x1b");
const formBytes = fc
  .tuple(
    fc.array(letter, { minLength: 4, maxLength: 4 }),
    fc.array(fc.oneof({ weight: 8, arbitrary: letter }, { weight: 1, arbitrary: fc.constant("\n") }), {
      minLength: 2,
      maxLength: 40,
    }),
  )
  .map(([first, rest]) => Buffer.from([...first, ...rest].join(""), "latin1"));

/** A form as it may stand in output: in one piece at first, then with breaks in it, and sequences anywhere. */
function shown(form: Buffer, inserted: readonly (readonly [at: number, what: string])[]): string {
  const parts = Array.from(form.toString("latin1"));
  for (const [at, what] of inserted) {
    const index = at % parts.length;
    if (index > 0 && (index >= 4 || what.startsWith("\x1b"))) parts[index] = what + parts[index];
  }
  return parts.join("");
}

const between = fc.constantFrom("\n", "\r", "\r\n", "\n\n\n", "\x1b[m", "\x1b[38;5;123;48;5;210m");
const inserted = fc.array(fc.tuple(fc.nat({ max: 60 }), between), { maxLength: 12 });
const noise = fc.string({ unit: fc.oneof(letter, between, fc.constant("\x1b")), maxLength: 40 });

it("[S8] hands on every place at which a form stands, or begins to, once and in order", () => {
  const scene = fc.tuple(
    fc.array(formBytes, { minLength: 1, maxLength: 4 }),
    noise,
    inserted,
    noise,
    fc.nat(),
  );
  fc.assert(
    fc.property(scene, ([forms, before, breaks, after, cut]) => {
      const filter = new Filter(forms.map((bytes): Form => ({ name: "x", bytes, wraps: true })));
      for (const form of forms) {
        const text = shown(form, breaks);
        const length = cut % 3 === 0 ? before.length + 1 + (cut % text.length) : undefined;
        const data = Buffer.from((before + text + after).slice(0, length), "latin1");
        const places: number[] = [];
        filter.search(data, (place) => places.push(place));
        expect(places).toContain(before.length);
        expect(places).toEqual([...new Set(places)].sort((one, other) => one - other));
      }
    }),
    { numRuns: 5_000 },
  );
});

it("[S8] hands on a form that is wrapped at any width, wherever it stands", () => {
  const form = Buffer.from("QWxsIHRoZSB3b3JsZCdzIGEgc3RhZ2U6YW5kIGFsbA");
  const filter = new Filter([{ name: "x", bytes: form, wraps: true }]);
  for (const brk of ["\n", "\r\n"]) {
    for (let width = 1; width <= form.length; width++) {
      for (let first = 4; first <= form.length; first++) {
        const rest = form.toString("latin1", first).replaceAll(new RegExp(`.{${width}}`, "g"), `$&${brk}`);
        for (let place = 0; place < 40; place++) {
          const text = `${"-".repeat(place)}${form.toString("latin1", 0, first)}${brk}${rest}`;
          const places: number[] = [];
          filter.search(Buffer.from(text), (each) => places.push(each));
          if (!places.includes(place)) expect([brk, width, first, place]).toEqual([]);
        }
      }
    }
  }
});

it("hands on few places of text that holds no form", () => {
  const form = Buffer.from("QWxsIHRoZSB3b3JsZCdzIGEgc3RhZ2U6YW5kIGFsbA");
  const filter = new Filter([{ name: "x", bytes: form, wraps: true }]);
  const text = "2026-11-21T10:00:00.000Z INFO worker[17]: request 4711 in 3 ms\r\n\x1b[32mok\x1b[0m\n".repeat(
    1_000,
  );
  let count = 0;
  filter.search(Buffer.from(text), () => count++);
  expect(count).toBeLessThan(text.length / 1_000);
});
