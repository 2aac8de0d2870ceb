import { expect, it } from "vitest";
import type { Presence } from "#protocol/api/pools.ts";
import { versionLook } from "./version.ts";

const presence = (update: Partial<Presence["update"]> | null, more: Partial<Presence> = {}): Presence => ({
  ...{ connectedAt: "2026-03-04T12:00:00Z", hostname: "h", os: "linux", arch: "x64", slots: 1, busySlots: 0 },
  ...{ draining: false, agentVersion: "1.0.0", wantedVersion: "1.1.0" },
  ...(update && { update: { mode: "auto", installs: true, ...update } }),
  ...more,
});

it.each<[string, Presence, string | undefined]>([
  ["tells nothing", presence(null), undefined],
  ["has the version", presence({}, { agentVersion: "1.1.0" }), undefined],
  ["is ahead of it", presence({}, { agentVersion: "1.2.0" }), undefined],
  ["runs from source", presence({}, { agentVersion: "source" }), undefined],
  ["may have any", presence({}, { wantedVersion: undefined }), undefined],
  ["has updates off", presence({ mode: "off" }), "The policy of its host has updates off."],
  ["is pinned", presence({ pin: "1.0.0" }), "The policy of its host pins 1.0.0."],
  [
    "is pinned to what is wanted",
    presence({ pin: "1.1.0" }),
    "It is installed when what runs there has ended.",
  ],
  [
    "only tells",
    presence({ mode: "notify" }),
    "By the policy of its host a person installs it: farhand-agent update --now",
  ],
  [
    "is in a container",
    presence({ installs: false }),
    "It cannot replace itself there: replace the container, the package or the file.",
  ],
  ["has a window", presence({ window: "02:00-04:00" }), "It is installed in the host's window: 02:00-04:00."],
  [
    "went back",
    presence({ problem: { version: "1.1.0", reason: "it does not start" } }),
    "1.1.0 did not come to stay: it does not start.",
  ],
  [
    "went back from another",
    presence({ problem: { version: "1.0.5", reason: "x" } }),
    "It is installed when what runs there has ended.",
  ],
])("an agent that %s", (_, given, words) => {
  expect(versionLook(given)).toEqual(words && { badge: "1.1.0 available", words });
});
