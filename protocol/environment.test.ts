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

it("[S7] names that decide what package managers install and run, and whom programs trust, are protected", () => {
  const names = [
    ...["npm_config_registry", "NPM_CONFIG_SCRIPT_SHELL", "Npm_Config_node_options", "pnpm_config_registry"],
    ...["PIP_INDEX_URL", "PIP_CONFIG_FILE", "UV_INDEX_URL", "YARN_YARN_PATH", "COREPACK_NPM_REGISTRY"],
    ...["GEM_PATH", "BUNDLE_GEMFILE", "GOFLAGS", "GOPROXY", "RUSTC_WRAPPER", "MAVEN_OPTS", "GRADLE_OPTS"],
    // Yarn makes small letters of every name before it looks at it.
    ...["yarn_registry", "Yarn_Npm_Registry_Server", "APT_CONFIG", "RPM_CONFIGDIR", "GOAUTH", "GOSUMDB"],
    ...[
      "GONOSUMDB",
      "GOINSECURE",
      "CARGO_BUILD_RUSTC_WRAPPER",
      "CARGO_HTTP_CAINFO",
      "RUSTUP_DIST_SERVER",
      "GEMRC",
    ],
    ...["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"],
  ];
  expect(names.filter((name) => !isProtected(name))).toEqual([]);
});

it("names that say what a program works on, with which account and by which way, are not", () => {
  const names = [
    ...["VERSION", "NODE_ENV", "DOCKER_HOST", "KUBECONFIG", "PGPASSWORD", "TZ", "AWS_PROFILE"],
    ...["AWS_CONFIG_FILE", "SSH_AUTH_SOCK", "HTTPS_PROXY", "no_proxy", "NPM_TOKEN", "GOMAXPROCS", "path"],
    ...["GOPRIVATE", "CARGO_TARGET_DIR", "CARGO_TERM_COLOR", "CARGO_REGISTRY_TOKEN", "DEBIAN_FRONTEND"],
  ];
  expect(names.filter(isProtected)).toEqual([]);
});
