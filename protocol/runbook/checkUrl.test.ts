import { describe, expect, test } from "vitest";
import { parseRunbook } from "./markdown.ts";

function issuesOf(block: string): string[] {
  const parsed = parseRunbook(`\`\`\`farhand\n${block}\n\`\`\`\n`);
  return parsed.ok ? [] : parsed.issues.map((each) => `${each.line}:${each.column} ${each.message}`);
}

describe("a url", () => {
  const said = (url: string, more = "") => issuesOf(`kind: api\nname: call\nurl: ${url}${more}`);
  const whole = "the URL cannot be read; it has to be a whole one, like https://example.com/a";

  test.each([
    ["example.com/a", whole],
    ["/status", whole],
    ['"https://a b.example.com"', whole],
    ["ftp://example.com/a", "a URL begins with https:// or http://, this one with ftp:"],
    [
      "https://ada:secret@example.com",
      "a URL may not hold a user name or password; send them in an authorization header",
    ],
  ])("that cannot be requested, %s, is refused where it stands", (url, message) => {
    expect(said(url)).toEqual([`4:1 ${message}`]);
  });

  test.each(["http://10.0.0.1/a", "https://example.com:8443", "HTTPS://example.com", "{ expr: \"'x'\" }"])(
    "that an agent can request is none: %s",
    (url) => expect(said(url)).toEqual([]),
  );

  test.each([
    ["http://example.com", "does not begin with https://"],
    ["https://10.1.2.3/a", "is private; from the edge only public hosts can be reached"],
    [
      "https://example.com:22/a",
      "has port 22; from the edge only 80, 443 and those from 1024 on can be reached",
    ],
    ["https://db.internal", "is no public name; from the edge only public hosts can be reached"],
  ])("%s is refused from the edge", (url, why) => {
    expect(said(url, "\nfrom: edge")).toEqual([
      `4:1 the address ${why}; leave \`from\` out to have an agent request it`,
    ]);
  });

  test.each(["https://example.com/a", "http://localhost:8080/a", "https://127.0.0.1"])(
    "%s is left to the edge: a control plane on this machine may reach it",
    (url) => expect(said(url, "\nfrom: edge")).toEqual([]),
  );
});
