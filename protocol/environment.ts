/**
 * Environment names that change what a program is rather than what it works
 * on: libraries that are loaded into it, code that runs before it, where its
 * programs and its settings come from. A plan sets none of them unless the
 * policy of the host says so.
 */

const PROTECTED_NAMES: readonly string[] = [
  // The loader and the C library.
  ...["LD_*", "DYLD_*", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "NLSPATH", "MALLOC_*", "LIBPATH"],
  ...["HOSTALIASES", "RESOLV_HOST_CONF", "RES_OPTIONS", "LOCALDOMAIN"],
  // Shells.
  ...["PATH", "IFS", "ENV", "BASH_ENV", "BASH_FUNC_*", "BASHOPTS", "SHELLOPTS", "PROMPT_COMMAND", "PS4"],
  ...["CDPATH", "GLOBIGNORE", "ZDOTDIR", "FPATH", "SHELL"],
  // Where programs look for what to do.
  ...["HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "EDITOR", "VISUAL", "PAGER", "MANPAGER", "BROWSER"],
  ...["LESSOPEN", "LESSCLOSE", "GIT_*", "CURL_HOME", "OPENSSL_*", "SSLKEYLOGFILE", "TERMINFO*", "TERMCAP"],
  ...["LESSKEY*", "VIMINIT", "EXINIT", "WGETRC", "SYSTEM_WGETRC", "PSQLRC", "PSQL_PAGER", "KRB5_CONFIG"],
  // Programs that other programs start: systemctl and busctl take one even as the address of the bus.
  ...["DBUS_*", "SYSTEMD_*", "SSH_ASKPASS*", "SUDO_ASKPASS", "RSYNC_RSH", "RSYNC_CONNECT_PROG", "SVN_SSH"],
  ...["CVS_RSH", "TAR_OPTIONS", "MAKEFILES", "MAKEFLAGS", "GNUMAKEFLAGS"],
  // Package managers: where they get what they install, and what they run meanwhile.
  ...["APT_CONFIG", "RPM_CONFIGDIR", "PIP_*", "UV_*", "COREPACK_*", "GEM_HOME", "GEM_PATH", "GEMRC"],
  ...["BUNDLE_GEMFILE", "GOFLAGS", "GOENV", "GOROOT", "GOPROXY", "GOTOOLCHAIN", "GOAUTH", "GOSUMDB"],
  ...["GONOSUMDB", "GOINSECURE", "CARGO_HOME", "CARGO_BUILD_RUSTC*", "CARGO_HTTP_*", "RUSTC", "RUSTC_*"],
  ...["MAVEN_OPTS", "MAVEN_ARGS", "GRADLE_OPTS", "RUSTUP_*"],
  // Whom programs believe to be whom they asked: plans may say by which proxy they ask.
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"],
  // Other interpreters.
  ...["NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS", "NODE_TLS_REJECT_UNAUTHORIZED"],
  ...["NODE_REPL_EXTERNAL_MODULE", "NODE_REDIRECT_WARNINGS", "NODE_V8_COVERAGE", "NODE_COMPILE_CACHE"],
  ...["PYTHON*", "PERL5*", "PERLLIB", "RUBY*", "LUA_INIT*", "LUA_PATH*", "LUA_CPATH*", "PHPRC"],
  ...["PHP_INI_SCAN_DIR", "R_PROFILE*", "R_ENVIRON*", "R_LIBS*", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"],
  ...["JDK_JAVA_OPTIONS", "CLASSPATH", "PSModulePath", "DOTNET_STARTUP_HOOKS", "DENO_DIR", "BUN_*"],
];

/** Read by their programs in capitals and small letters alike. */
const PROTECTED_IN_ANY_CASE: readonly string[] = ["npm_config_*", "pnpm_config_*", "yarn_*"];

const PROTECTED = [expression(PROTECTED_NAMES, ""), expression(PROTECTED_IN_ANY_CASE, "i")];

/** Whether no plan may set this name, unless the policy of a host allows it. */
export function isProtected(name: string): boolean {
  return PROTECTED.some((each) => each.test(name));
}

function expression(names: readonly string[], flags: string): RegExp {
  return new RegExp(`^(?:${names.map((name) => name.replace("*", ".*")).join("|")})$`, flags);
}
