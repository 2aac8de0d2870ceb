import { expect, it } from "vitest";
import { isProtected } from "./environment.ts";

it("[S7] names by which harmless programs are made to start others are protected", () => {
  // DBUS_SYSTEM_BUS_ADDRESS=unixexec:path=/bin/sh has `systemctl restart web` run a shell.
  const names = [
    "DBUS_SYSTEM_BUS_ADDRESS",
    "SYSTEMD_PAGER",
    "TAR_OPTIONS",
    "RSYNC_RSH",
    "MAKEFLAGS",
    "LD_PRELOAD",
  ];
  expect(names.filter((name) => !isProtected(name))).toEqual([]);
});

it("names that say what a program works on are not", () => {
  expect(
    ["VERSION", "NODE_ENV", "DOCKER_HOST", "KUBECONFIG", "PGPASSWORD", "TZ"].filter(isProtected),
  ).toEqual([]);
});
