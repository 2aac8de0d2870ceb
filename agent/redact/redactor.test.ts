import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Form, formsOf } from "./forms.ts";
import { KnownSecrets } from "./known.ts";
import { Matcher } from "./matcher.ts";
import { Redactor } from "./redactor.ts";

type Named = readonly [name: string, value: Buffer];

function matcherOf(secrets: readonly Named[]): Matcher {
  const matcher = new Matcher();
  for (const [name, value] of secrets) matcher.add(formsOf(name, value));
  return matcher;
}

/** What comes out when these chunks go in, after each of them and at the end. */
function outputs(matcher: Matcher, chunks: readonly Uint8Array[], ending?: "complete"): string[] {
  let output = "";
  const redactor = new Redactor(matcher, (bytes) => {
    output += Buffer.from(bytes).toString("latin1");
  });
  const seen = chunks.map((chunk) => {
    redactor.push(chunk);
    return output;
  });
  redactor.end(ending);
  return [...seen, output];
}

const whole = (matcher: Matcher, data: Buffer) => outputs(matcher, [data], "complete").at(-1) ?? "";

/** The same said another way: every form as a regular expression, over the whole text at once. */
function expected(secrets: readonly Named[], data: Buffer): string {
  const text = data.toString("latin1");
  const csi = "\\x1b\\[[\\x20-\\x3f]{0,61}[\\x40-\\x7e]";
  const pattern = ({ bytes, wraps }: Form) =>
    Array.from(bytes, (byte, index) => {
      const escaped = `\\x${byte.toString(16).padStart(2, "0")}`;
      const between = index < 4 ? `(?:${csi})*` : `(?:${csi}|\\r${wraps ? "|\\n" : ""})*`;
      return (index === 0 ? "" : between) + escaped;
    }).join("");
  const forms = secrets
    .flatMap(([name, value]) => formsOf(name, value))
    .map((form) => ({ name: form.name, regex: new RegExp(pattern(form), "y") }));
  let output = "";
  let at = 0;
  for (let start = 0; start < text.length; start++) {
    const found = forms.flatMap(({ name, regex }) => {
      regex.lastIndex = start;
      return regex.test(text) ? [{ name, end: regex.lastIndex }] : [];
    });
    if (found.length > 0) {
      const first = found.reduce((one, other) => (other.end < one.end ? other : one));
      if (start >= at) output += `${text.slice(at, start)}[secret:${first.name}]`;
      at = Math.max(at, ...found.map(({ end }) => end));
    }
  }
  return output + text.slice(at);
}

const values: Record<string, string> = {
  plain: "hunter2hunter2",
  "with quotes": `it's "quoted" & <b>$HOME\`x\`\\!`,
  "with a path": "s3cr3t/with+plus=and/slash==",
  "not ASCII": "pässwörd-✓-😀-long",
  "of several lines": "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----",
  "with control characters": "tab\tand\x07bell and\nline",
  short: "abc123",
};

function bash(script: string, value: string): string {
  return execFileSync("bash", ["--norc", "-c", script], {
    stdio: ["ignore", "pipe", "inherit"],

    env: { PATH: process.env.PATH, V: value, LC_ALL: "C.UTF-8" },
  })
    .toString("latin1")
    .replace(/\n$/, "");
}

/** As programs write it, by their own encoders where they are here. */
function appearances(value: string): Record<string, string> {
  const bytes = Buffer.from(value);
  const latin1 = (text: string) => Buffer.from(text, "utf8").toString("latin1");
  const base64 = (prefix: string, suffix: string) =>
    Buffer.concat([Buffer.from(prefix), bytes, Buffer.from(suffix)]).toString("base64");
  return {
    raw: latin1(value),
    CRLF: latin1(value).replaceAll("\n", "\r\n"),
    base64: base64("", ""),
    "base64 at offset 1": base64("x", "yz"),
    "base64 at offset 2": base64("xx", "y"),
    "base64 for URLs": bytes.toString("base64url"),
    "base64 in lines": bash(`printf %s "$V" | base64 -w 16`, value),
    hex: bytes.toString("hex"),
    HEX: bytes.toString("hex").toUpperCase(),
    "hex in lines": bash(`printf %s "$V" | od -An -v -tx1 | tr -d ' '`, value),
    URL: encodeURIComponent(value),
    form: new URLSearchParams({ v: value }).toString().slice(2),
    JSON: latin1(JSON.stringify(value).slice(1, -1)),
    "printf %q": bash(`printf %q "$V"`, value),
    "set -x": bash(`(set -x; : "$V") 2>&1`, value),
    HTML: latin1(value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;")),
    "ANSI-interleaved": Array.from(
      bytes,
      (byte) => `\x1b[3${byte % 8}m${String.fromCharCode(byte)}\x1b[0m`,
    ).join(""),
  };
}

describe.each(Object.entries(values))("[S8] a secret %s", (_, value) => {
  const matcher = matcherOf([["x", Buffer.from(value)]]);

  it.each(Object.entries(appearances(value)))("is taken out as %s, wherever it is split", (_, shown) => {
    // Interleaved line breaks are of no secret: those of several lines are found line by line.
    const data = Buffer.from(`before: ${shown} after\n`, "latin1");
    const output = whole(matcher, data);
    expect(output).toBe(expected([["x", Buffer.from(value)]], data));
    expect(output).toContain("[secret:x]");
    // Of base64, what neighbours decide as well stays.
    const left = output.replaceAll("[secret:x]", "").replace("before: ", "").replace(" after\n", "");
    const longest = Math.max(0, ...left.split(/[\s:'"$]+/).map((part) => part.length));
    expect(longest).toBeLessThan(10);
    for (let split = 1; split < data.length; split++) {
      const parts = [data.subarray(0, split), data.subarray(split)];
      const [first = "", , last = ""] = outputs(matcher, parts, "complete");
      if (last !== output || !output.startsWith(first))
        expect([split, first, last]).toEqual([split, "", output]);
    }
  });

  it("is taken out in every form, wherever that is split", () => {
    for (const { bytes } of formsOf("x", Buffer.from(value))) {
      const data = Buffer.concat([Buffer.from("a "), bytes, Buffer.from(" z\n")]);
      const output = whole(matcher, data);
      expect(output).not.toContain(Buffer.from(bytes).toString("latin1"));
      for (let split = 1; split < data.length; split++) {
        const last = outputs(matcher, [data.subarray(0, split), data.subarray(split)], "complete").at(-1);
        if (last !== output) expect([split, last]).toEqual([split, output]);
      }
    }
  });
});

/** A small alphabet, so that secrets overlap, repeat and nearly match. */
const piece = fc.stringMatching(/^[abA/+ '\n]{1,4}$/);
const secretValue = fc
  .array(piece, { minLength: 3, maxLength: 5 })
  .map((parts) => Buffer.from(parts.join("")));
const secrets = fc
  .array(secretValue, { minLength: 1, maxLength: 3 })
  .map((all) => all.map((value, index): Named => [`s${index}`, value]));
const noise = fc.oneof(
  fc.constantFrom("\n", "\r", "\r\n", "\x1b[1m", "\x1b[0m", "\x1b", "\x1b[", "\x1b[12", "a", "b", " "),
  fc.string({ maxLength: 3 }),
);

const scenes = secrets.chain((given) => {
  const forms = given.flatMap(([name, value]) => formsOf(name, value));
  const any =
    forms.length === 0
      ? noise
      : fc.constantFrom(...forms).map(({ bytes }) => Buffer.from(bytes).toString("latin1"));
  const part = fc.oneof(
    any,
    fc.tuple(any, fc.nat(), fc.nat()).map(([text, from, to]) => text.slice(from % 4, -1 - (to % 4))),
    fc.tuple(any, fc.nat(), noise).map(([text, at, odd]) => {
      const middle = at % (text.length + 1);
      return text.slice(0, middle) + odd + text.slice(middle);
    }),
    noise,
  );
  return fc.tuple(
    fc.constant(given),
    fc.array(part, { maxLength: 6 }),
    fc.array(fc.nat({ max: 40 }), { maxLength: 12 }),
  );
});

it("[S8] says the same however the bytes arrive as when all are looked at at once, and lets go of nothing early", () => {
  fc.assert(
    fc.property(scenes, ([given, parts, lengths]) => {
      const data = Buffer.from(parts.join(""), "latin1");
      const matcher = matcherOf(given);
      const chunks: Buffer[] = [];
      let at = 0;
      for (const length of [...lengths, data.length]) {
        chunks.push(data.subarray(at, at + length));
        at += length;
      }
      const seen = outputs(matcher, chunks, "complete");
      const last = seen.at(-1) ?? "";
      expect(last).toBe(expected(given, data));
      for (const early of seen) expect(last.startsWith(early)).toBe(true);
    }),
    { numRuns: 600 },
  );
}, 120_000);

it.each(["hunter2", "m-hunter2"])(
  "[S8] terminal sequences without end neither hold up the agent nor are held back: %s",
  (secret) => {
    const matcher = matcherOf([["x", Buffer.from(secret)]]);
    const data = Buffer.from(`h${"\x1b[m".repeat(40_000)}`);
    const chunks = Array.from({ length: Math.ceil(data.length / 65_536) }, (_, index) =>
      data.subarray(index * 65_536, (index + 1) * 65_536),
    );
    const begun = performance.now();
    const seen = outputs(matcher, chunks);
    // Quadratic, this took minutes.
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(seen.at(-2)?.length).toBeGreaterThan(data.length - 4_096);
    expect(seen.at(-1)).toBe(data.toString("latin1"));
  },
);

it("[S8] time releases nothing: what may become a secret waits for the next byte or the end", () => {
  const matcher = matcherOf([["x", Buffer.from("hunter2hunter2")]]);
  const seen = outputs(matcher, [Buffer.from("password: h"), Buffer.from("un"), Buffer.from("gry\n")]);
  expect(seen).toEqual(["password: ", "password: ", "password: hungry\n", "password: hungry\n"]);
});

it("shows a whole line at once, whatever its last letters could become", () => {
  const matcher = matcherOf([["x", Buffer.from("hunter2hunter2")]]);
  expect(outputs(matcher, [Buffer.from("a hun\n"), Buffer.from("50% h\r")])[1]).toBe("a hun\n50% h\r");
});

it("[S8] takes out a secret that the stream breaks off in", () => {
  const matcher = matcherOf([["x", Buffer.from("hunter2hunter2")]]);
  expect(outputs(matcher, [Buffer.from("say hunter2hunt")]).at(-1)).toBe("say [secret:x]");
  expect(outputs(matcher, [Buffer.from("say hunte")]).at(-1)).toBe("say hunte");
});

it("leaves all other bytes as they are", () => {
  const matcher = matcherOf([["x", Buffer.from("hunter2hunter2")]]);
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 }), (chunks) => {
      const data = Buffer.concat(chunks).toString("latin1");
      expect(outputs(matcher, chunks).at(-1)).toBe(data);
    }),
  );
});

it("[fault 37] takes out values that it gets to know while the stream runs, and the old ones as well", () => {
  const known = new KnownSecrets();
  known.add("x", Buffer.from("old-secret-1"));
  let output = "";
  const redactor = new Redactor(known.matcher, (bytes) => {
    output += Buffer.from(bytes).toString();
  });
  redactor.push(Buffer.from("old-secret-1 new-secr"));
  known.add("x", Buffer.from("new-secret-2"));
  redactor.push(Buffer.from("old-secret-1 old-secret-1 new-secret-2\n"));
  redactor.end();
  expect(output).toBe("[secret:x] new-secr[secret:x] [secret:x] [secret:x]\n");
});

it("[S8] takes secrets out of texts and values, and leaves what merely begins like one", () => {
  const known = new KnownSecrets();
  known.add("url", Buffer.from("postgres://u:12345678@db"));
  known.add("pin", Buffer.from("12345678"));
  expect(known.text("failed: postgres://u:12345678@db refused")).toBe("failed: [secret:url] refused");
  expect(known.values({ a: "postgres", b: [12345678, 7, { "12345678": true }], c: null })).toEqual({
    a: "postgres",
    b: ["[secret:pin]", 7, { "[secret:pin]": true }],
    c: null,
  });
  expect(known.outcome({ type: "unanswered", detail: "no 12345678" })).toEqual({
    type: "unanswered",
    detail: "no [secret:pin]",
  });
});

it("does not know what a program makes of a secret by other means", () => {
  const matcher = matcherOf([["x", Buffer.from("hunter2hunter2")]]);
  expect(whole(matcher, Buffer.from("2retnuh2retnuh"))).toBe("2retnuh2retnuh");
});
