import { expect, test } from "vitest";
import { ownOrigins } from "./origin.ts";

const PUBLIC = "https://farhand.example.com";

test.each([
  ["the public origin", PUBLIC, `${PUBLIC}/api`, [PUBLIC]],
  ["no other that a Host header names", PUBLIC, "https://evil.example/api", [PUBLIC]],
  ["not loopback for a published server", PUBLIC, "http://127.0.0.1:8787/api", [PUBLIC]],
  [
    "every loopback address of a server on loopback",
    "http://localhost:8787",
    "http://127.0.0.1:9000/api",
    ["http://localhost:8787", "http://127.0.0.1:9000"],
  ],
  [
    "IPv6 loopback, too",
    "http://127.0.0.1:8787",
    "http://[::1]:8787/",
    ["http://127.0.0.1:8787", "http://[::1]:8787"],
  ],
  [
    "nothing else of a server on loopback",
    "http://localhost:8787",
    "http://127.0.0.1.evil.example/",
    ["http://localhost:8787"],
  ],
])("[S12] a server answers as %s", (_, publicOrigin, url, origins) => {
  const settings = { authSecret: "", publicOrigin, rateLimitPerMinute: 1, webhooksToLoopback: false };
  expect([...new Set(ownOrigins(new Request(url), settings))]).toEqual(origins);
});
