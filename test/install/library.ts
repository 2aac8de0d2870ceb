/** Small systems lack one library that the program needs. */
import assert from "node:assert/strict";
import type { Check, HostScene } from "./checks.ts";
import { difference, isBare, refused } from "./looks.ts";

const DOWNLOADED = "/var/cache/apt/archives";
const SOURCES = "/etc/apt/sources.list";
/** In a folder that is not looked at for what is left. */
const REPOSITORY = "/tmp/packages";
/** Without an agent to start, and so without a token. */
const INSTALL = "--no-start";

/** Begin with a machine as it was made, and leave one with the library, on which an agent can be installed. */
export const libraryChecks: readonly Check[] = [
  {
    name: "a host that cannot run it is told why, and left as it is",
    async run(scene, memory) {
      await scene.machine.read("dpkg --purge libatomic1");
      // What is named to apt is not there, as behind a firewall.
      await scene.machine.read(
        `mkdir ${REPOSITORY}; cp ${SOURCES} ${REPOSITORY}
         echo "deb http://127.0.0.1:1/debian bookworm main" >${SOURCES}; rm -r /var/lib/apt/lists; apt-get clean`,
      );
      memory.inventory = await scene.machine.inventory();
      refused(await scene.install(INSTALL), "install libatomic");
      await isBare(scene, memory);
      return undefined;
    },
  },
  {
    name: "a library that is missing is installed by apt, and stays",
    async run(scene, memory) {
      await offerLibrary(scene);
      const { code, output } = await scene.install(INSTALL);
      assert.equal(code, 0, output);
      assert.match(output, /installing the system's libatomic/);
      await scene.machine.read(
        `sh /opt/farhand/current/install.sh --uninstall --purge; cp ${REPOSITORY}/sources.list ${SOURCES}`,
      );
      const now = await scene.machine.inventory();
      const { left, gone } = difference(memory.inventory, now);
      const strange = [...left, ...gone].filter((line) => !/libatomic|\/var\/lib\/(?:apt|dpkg)\//.test(line));
      assert.deepEqual(strange, []);
      memory.inventory = now;
      return undefined;
    },
  },
  {
    // No machine here has dnf: a command of its name takes down what it is asked for.
    name: "where there is no apt, dnf is asked",
    async run(scene, memory) {
      const dnf = "/usr/local/bin/dnf";
      await scene.machine.read(
        `mv /usr/bin/apt-get /tmp/; dpkg --purge libatomic1; printf '#!/bin/sh\\necho "$*" >/tmp/asked; dpkg -i ${REPOSITORY}/libatomic1_*.deb\\n' >${dnf}; chmod 755 ${dnf}`,
      );
      const { code, output } = await scene.install(INSTALL);
      assert.equal(code, 0, output);
      assert.equal(await scene.machine.read("cat /tmp/asked"), "install -y libatomic");
      await scene.machine.read(
        `mv /tmp/apt-get /usr/bin/; rm ${dnf}; sh /opt/farhand/current/install.sh --uninstall --purge`,
      );
      await isBare(scene, memory);
      return undefined;
    },
  },
];

/** Makes a repository of the package that the machine was made with, and has apt know it and no other. */
async function offerLibrary({ machine }: HostScene): Promise<void> {
  await machine.putFile("root/packages", `${machine.base}${DOWNLOADED}`);
  await machine.read(`mv /root/packages/libatomic1_*.deb ${REPOSITORY}; rm -r /root/packages
    cd ${REPOSITORY}
    file=$(ls libatomic1_*.deb)
    { dpkg-deb --field "$file"
      echo "Filename: ./$file"
      echo "Size: $(stat -c %s "$file")"
      echo "SHA256: $(sha256sum "$file" | cut -d ' ' -f 1)"
    } >Packages
    echo "deb [trusted=yes] file:${REPOSITORY} ./" >${SOURCES}`);
}
