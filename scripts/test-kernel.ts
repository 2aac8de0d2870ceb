/** `npm run test:kernel`: the agent's limits on a kernel whose cgroups (v2) have controllers, in a virtual machine. */
import { runChecks } from "../test/install/check.ts";
import { testOnMachine } from "../test/install/command.ts";
import { Scene } from "../test/install/scene.ts";
import { checks } from "../test/kernel/checks.ts";
import { VIRTUAL_MACHINE_TOOLS, VirtualMachine } from "../test/kernel/virtualMachine.ts";
import { during } from "./lib/terminal.ts";

await testOnMachine("test-kernel", VIRTUAL_MACHINE_TOOLS, async ({ cache, folder, shutdown }) => {
  const scene = await during("Starting a control plane and a Debian with a kernel of its own", () =>
    Scene.open(folder, shutdown, ({ port }) => VirtualMachine.make(cache, folder, port)),
  );
  await during("Making a release", () => scene.smallRelease("1.0.0"));
  return runChecks(checks, scene, undefined, shutdown);
});
