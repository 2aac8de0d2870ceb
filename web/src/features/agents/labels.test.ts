import { expect, it } from "vitest";
import { readLabels } from "./labels.ts";

it("reads labels with spaces or commas between them, and says which word is none", () => {
  expect(readLabels(" role=web, region=eu=1 x=\n")).toEqual({
    ok: true,
    labels: { role: "web", region: "eu=1", x: "" },
  });
  expect(readLabels("")).toEqual({ ok: true, labels: {} });
  expect(readLabels("role=web nope")).toEqual({
    ok: false,
    problem: '"nope" is not a label like region=eu.',
  });
});
