import { afterAll, beforeAll } from "vitest";
import { World } from "./system.ts";

/** One world for all tests of a file, gone after them. */
export function worldForFile(): () => World {
  let world: World | undefined;
  beforeAll(async () => {
    world = await World.start();
  }, 60_000);
  afterAll(async () => {
    await world?.close();
  }, 60_000);
  return () => {
    if (!world) throw new Error("the world is there once the tests run");
    return world;
  };
}
