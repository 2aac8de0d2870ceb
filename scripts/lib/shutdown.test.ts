import { expect, it } from "vitest";
import { Shutdown } from "./shutdown.ts";

it("stops everything, last first, also when one of them fails, and then says so", async () => {
  const shutdown = new Shutdown();
  const stopped: string[] = [];
  shutdown.add(async () => void stopped.push("first"));
  shutdown.add(() => Promise.reject(new Error("it would not stop")));
  shutdown.add(async () => void stopped.push("last"));
  await expect(shutdown.run()).rejects.toThrow("it would not stop");
  expect(stopped).toEqual(["last", "first"]);
});
