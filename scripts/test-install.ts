/** `npm run test:install`: the installer on a clean Debian with a systemd of its own, from the first line to the last trace. */
import { runChecks } from "../test/install/check.ts";
import { checks } from "../test/install/checks.ts";
import { testOnMachine } from "../test/install/command.ts";
import { CONTAINER_TOOLS, Container } from "../test/install/container.ts";
import { Scene } from "../test/install/scene.ts";
import { during } from "./lib/terminal.ts";

await testOnMachine("test-install", CONTAINER_TOOLS, async ({ cache, folder, shutdown }) => {
  const scene = await during("Starting a control plane and a clean Debian", () =>
    Scene.open(folder, shutdown, () => Container.make(cache, folder)),
  );
  await during("Making a release", () => scene.release("1.0.0"));
  return runChecks(checks, scene, { inventory: [], agentId: "", pid: "" }, shutdown);
});
