import { expect, it } from "vitest";
import { installCommands } from "./installCommands.ts";

it("installs what is offered: the program, or with --node the script that runs on the host's own", () => {
  const lineFor = (offer: "program" | "node" | "none") =>
    installCommands("https://farhand.test", "fh_1", offer).install;
  const start = "curl -fsSL https://farhand.test/install.sh | sudo sh -s --";
  expect(lineFor("program")).toBe(`${start} --token fh_1`);
  expect(lineFor("node")).toBe(`${start} --node --token fh_1`);
  expect(lineFor("none")).toBeUndefined();
});
