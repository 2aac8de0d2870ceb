#!/bin/sh
# Installs the Farhand agent on this host, upgrades it, or removes it.
#
#   curl -fsSL https://<farhand>/install.sh | sudo sh -s -- --token TOKEN
#
# What it does, in this order:
#   1. downloads one release and checks it, by the digest and the key below
#   2. creates the user farhand (no shell, no password), /etc/farhand and /var/lib/farhand
#   3. puts the program into /opt/farhand, with a link to it in /usr/local/bin
#   4. enrolls this host: a key is made here and never leaves, the token is spent
#   5. writes the systemd unit farhand-agent.service and starts it
# It opens no port. Run again it upgrades and keeps who the agent is; a version that does
# not come up is taken back. Nothing happens before the last line of this file is read.
set -euf
umask 022

URL='@URL@'                         # the control plane that this script came from
VERSION='@VERSION@'                 # the release that it installs
MANIFEST_SHA256='@MANIFEST_SHA256@' # of that release's list of files
RELEASE_KEY='@RELEASE_KEY@'         # signs the list (Ed25519, public half)

PROGRAMS=/opt/farhand
COMMAND=/usr/local/bin/farhand-agent
CONFIG=/etc/farhand
STATE=/var/lib/farhand
UNITS=/etc/systemd/system
UNIT=farhand-agent.service
UPDATER=farhand-agent-update
CONNECT_SECONDS=${FARHAND_CONNECT_SECONDS:-60}

usage() {
  cat <<'TEXT'
curl -fsSL https://<farhand>/install.sh | sudo sh -s -- [options]

  --token TOKEN       joins with this token; or FARHAND_JOIN_TOKEN, or
  --token-file FILE   reads it from a file, so that no list of processes shows it
  --name NAME         calls the agent other than its host
  --label KEY=VALUE   lets runbooks choose it by this; as often as needed
  --slots N           so many executions at once (4)
  --users             steps run apart from the agent, as users that the policy names
  --sudo              runbooks may use sudo: a unit that confines less
  --strict            back from --users or --sudo
  --node              the agent as a script for this host's own Node 22.3 or newer
  --ca FILE           also trusts these certificate authorities (PEM)
  --proxy URL         goes out through this HTTP proxy; or HTTPS_PROXY
  --no-proxy LIST     but not to these hosts; or NO_PROXY
  --from DIR          installs from an unpacked release, without the internet
  --url URL           the control plane, when this script did not come from it
  --no-start          installs and does not start
  --allow-downgrade   installs an older version than the one that is there
  --uninstall         removes the program and its unit
  --purge             with --uninstall: also settings, state, key and user
TEXT
}

say() { printf '%s\n' "farhand: $*"; }
fail() { printf '%s\n' "farhand: $*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
installed() { basename "$(readlink "$PROGRAMS/current" 2>/dev/null || true)"; }
has_systemd() { [ -d /run/systemd/system ]; }

put() { # mode, group, from, to
  if cmp -s "$3" "$4"; then return; fi
  install -m "$1" -o root -g "$2" "$3" "$4"
  CHANGED=yes
}

read_options() {
  TOKEN=${FARHAND_JOIN_TOKEN:-} NAME='' LABELS='' SLOTS='' CA='' FROM='' KIND=executable
  PROXY=${HTTPS_PROXY:-${https_proxy:-}} NO_PROXY_FOR=${NO_PROXY:-${no_proxy:-}}
  PROFILE='' START=yes DOWNGRADE=no UNINSTALL=no PURGE=no CHANGED=no
  while [ $# -gt 0 ]; do
    case $1 in
      --token | --token-file | --name | --label | --slots | --ca | --proxy | --no-proxy | --from | --url)
        if [ -z "${2:-}" ]; then fail "$1 needs a value; see --help"; fi ;;
    esac
    case $1 in
      --token) TOKEN=$2; shift ;;
      --token-file) TOKEN=$(cat -- "$2") || fail "cannot read $2"; shift ;;
      --name) NAME=$2; shift ;;
      --label) LABELS="$LABELS$2
"; shift ;;
      --slots) SLOTS=$2; shift ;;
      --ca) CA=$2; shift ;;
      --proxy) PROXY=$2; shift ;;
      --no-proxy) NO_PROXY_FOR=$2; shift ;;
      --from) FROM=$2; shift ;;
      --url) URL=$2; shift ;;
      --users | --sudo | --strict) PROFILE=${1#--} ;;
      --node) KIND=node ;;
      --no-start) START=no ;;
      --allow-downgrade) DOWNGRADE=yes ;;
      --uninstall) UNINSTALL=yes ;;
      --purge) PURGE=yes ;;
      --help | -h) usage; exit 0 ;;
      *) fail "there is no option $1; see --help" ;;
    esac
    shift
  done
}

# Everything that can be known before anything is changed.
check_host() {
  [ "$(id -u)" = 0 ] || fail "installing needs root: put sudo before sh"
  [ "$(uname -s)" = Linux ] || fail "this installs on Linux; elsewhere run the agent's script with Node 22.3 or newer"
  for tool in getent install runuser sha256sum tar useradd; do
    has "$tool" || fail "needs $tool, which this host lacks; the agent also runs without being installed, see the README"
  done
  ! { has dpkg && dpkg -s farhand-agent >/dev/null 2>&1; } ||
    fail "the agent is installed as a Debian package here: upgrade or remove it with apt"
  [ "$UNINSTALL" = no ] || return 0
  use_kept
  [ -z "$PROFILE" ] || has_systemd || fail "--$PROFILE says how systemd confines the agent, and this host has no systemd"
  case $URL in
    http://* | https://*) ;;
    *) fail "say where the control plane is: --url https://..." ;;
  esac
  [ -n "$TOKEN" ] || [ -f "$STATE/identity.json" ] || [ "$START" = no ] ||
    fail "a new agent joins with a token: --token ..., made in the web app under Agents"
  [ -z "$CA" ] || grep -q 'BEGIN CERTIFICATE' -- "$CA" || fail "$CA holds no certificates in PEM"
  if [ "$KIND" = node ]; then check_node; fi
}

# Run again, it goes the way that the installed agent goes, unless it is told another.
use_kept() {
  PROXY=${PROXY:-$(kept HTTPS_PROXY)}
  NO_PROXY_FOR=${NO_PROXY_FOR:-$(kept NO_PROXY)}
  if [ -z "$CA" ] && [ -f "$CONFIG/ca.pem" ]; then CA=$CONFIG/ca.pem; fi
}

kept() { # name
  sed -n "s/^$1=\"\(.*\)\"\$/\1/p" "$CONFIG/agent.env" 2>/dev/null || true
}

# As the unit will find it: what only a login shell knows is of no use to a service.
check_node() {
  node=$(PATH=/usr/local/bin:/usr/bin:/bin command -v node) ||
    fail "--node needs Node 22.3 or newer in /usr/local/bin or /usr/bin, and there is none"
  # shellcheck disable=SC2016 # for node, not for the shell
  "$node" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 3) ? 0 : 1)' ||
    fail "--node needs Node 22.3 or newer, and $node is $("$node" --version)"
}

fetch() { # path, file
  if has curl; then
    curl -fsSL --proto "=${URL%%:*}" --retry 3 ${CA:+--cacert "$WORK/ca.pem"} -o "$2" "$URL$1"
  elif has wget; then
    wget -q ${CA:+--ca-certificate="$WORK/ca.pem"} -O "$2" "$URL$1"
  else
    fail "needs curl or wget"
  fi || fail "cannot download $URL$1${PROXY:+ through the proxy ${PROXY##*@}}. \
A private certificate authority is named with --ca FILE, a proxy with --proxy http://USER:PASSWORD@HOST:PORT"
}

# How to get to the control plane: both spellings, for each program prefers another. Authorities
# that are named to curl take the place of the host's own, so they go together.
choose_route() {
  if [ -n "$PROXY" ]; then
    export HTTPS_PROXY="$PROXY" https_proxy="$PROXY" NO_PROXY="$NO_PROXY_FOR" no_proxy="$NO_PROXY_FOR"
  fi
  [ -n "$CA" ] || return 0
  for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt "$CA"; do
    if [ -f "$file" ]; then cat "$file"; fi
  done >"$WORK/ca.pem"
}

require_sha256() { # file, digest
  [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "$2" ] ||
    fail "$(basename "$1") is not what was released: its SHA-256 differs. Nothing was installed"
}

# Leaves the unpacked release in $FROM.
download() {
  case $(uname -m) in
    x86_64 | amd64) platform=linux-x64 ;;
    aarch64 | arm64) platform=linux-arm64 ;;
    *) platform="linux-$(uname -m)" ;;
  esac
  if [ "$KIND" = node ]; then platform=node; fi
  name="farhand-agent-$VERSION-$platform"
  say "downloading $name from $URL"
  fetch "/releases/$VERSION/release.json" "$WORK/release.json"
  require_sha256 "$WORK/release.json" "$MANIFEST_SHA256"
  fetch "/releases/$VERSION/release.json.sig" "$WORK/release.json.sig"
  if openssl_knows_how; then openssl_verifies || fail_unsigned; fi
  digest=$(sed -n "s/.*\"name\":\"$name\.tar\.gz\".*\"sha256\":\"\([0-9a-f]\{64\}\)\".*/\1/p" "$WORK/release.json")
  [ -n "$digest" ] || fail "release $VERSION has nothing for $platform; with Node 22.3 or newer here, use --node"
  fetch "/releases/$VERSION/$name.tar.gz" "$WORK/$name.tar.gz"
  require_sha256 "$WORK/$name.tar.gz" "$digest"
  tar -xzf "$WORK/$name.tar.gz" -C "$WORK"
  FROM="$WORK/$name"
  require_runs
  openssl_knows_how || agent_verifies || fail_unsigned
}

# OpenSSL from 3.0 on does. Where there is none the agent checks, which was itself checked by its digest.
openssl_knows_how() { openssl pkeyutl -help 2>&1 | grep -q -- -rawin; }

openssl_verifies() {
  printf '%s\n' '-----BEGIN PUBLIC KEY-----' "$RELEASE_KEY" '-----END PUBLIC KEY-----' >"$WORK/key.pem"
  openssl pkeyutl -verify -rawin -pubin -inkey "$WORK/key.pem" \
    -in "$WORK/release.json" -sigfile "$WORK/release.json.sig" >/dev/null 2>&1
}

agent_verifies() {
  "$FROM/farhand-agent" verify-release --manifest "$WORK/release.json" \
    --signature "$WORK/release.json.sig" --key "$RELEASE_KEY"
}

fail_unsigned() { fail "release $VERSION is not signed by the release key. Nothing was installed"; }

# Before anything is changed: does it run here? Node, which is inside, wants one library that
# small systems lack.
require_runs() {
  if "$FROM/farhand-agent" --version >/dev/null 2>"$WORK/error"; then return; fi
  grep -q libatomic "$WORK/error" || fail "the agent does not run on this host, and with Node 22.3 or newer on it --node may: $(cat "$WORK/error")"
  say "installing the system's libatomic, which the program needs"
  if has apt-get; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y libatomic1 || { apt-get update && apt-get install -y libatomic1; }
  elif has dnf; then
    dnf install -y libatomic
  fi </dev/null >/dev/null 2>&1 || true
  "$FROM/farhand-agent" --version >/dev/null 2>&1 ||
    fail "install libatomic (libatomic1 on Debian and Ubuntu) and run this again. Nothing was changed"
}

refuse_downgrade() {
  [ -n "$BEFORE" ] && [ "$BEFORE" != "$VERSION" ] && [ "$DOWNGRADE" = no ] || return 0
  # A tilde sorts before everything, as a version with a hyphen does before the one without.
  newest=$(printf '%s\n' "$BEFORE" "$VERSION" | sed 's/-/~/' | sort -V | tail -n 1 | sed 's/~/-/')
  [ "$newest" = "$VERSION" ] ||
    fail "version $BEFORE is installed, and $VERSION is older: nothing was changed (--allow-downgrade insists)"
}

# Whose the agent and its state are.
owner() {
  case $PROFILE in
    users) echo root ;;
    '') if [ -f "$UNITS/$UNIT.d/50-users.conf" ]; then echo root; else echo farhand; fi ;;
    *) echo farhand ;;
  esac
}

create_user_and_folders() {
  if ! getent passwd farhand >/dev/null; then
    useradd --system --user-group --home-dir "$STATE" --no-create-home \
      --shell /usr/sbin/nologin --comment 'Farhand agent' farhand
    say "created the user farhand"
  fi
  install -d -m 0750 -o root -g "$(owner)" "$CONFIG"
  # What is in use goes over to another owner as a whole, when systemd starts the agent as that one.
  [ -f "$STATE/identity.json" ] || install -d -m 0700 -o "$(owner)" -g "$(owner)" "$STATE"
}

# Keeps the other lines of the file; a value that is not given leaves the one that is there.
setting() { # name, value
  [ -n "$2" ] || return 0
  case $2 in *\"* | *\\* | *"
"*) fail "$1 may hold no quotes, backslashes or line breaks" ;; esac
  if grep -qxF "$1=\"$2\"" "$CONFIG/agent.env" 2>/dev/null; then return; fi
  { grep -v "^$1=" "$CONFIG/agent.env" 2>/dev/null || true; printf '%s="%s"\n' "$1" "$2"; } >"$WORK/agent.env"
  put 0640 farhand "$WORK/agent.env" "$CONFIG/agent.env"
}

write_settings() {
  if [ -n "$CA" ]; then
    put 0644 root "$CA" "$CONFIG/ca.pem"
    setting NODE_EXTRA_CA_CERTS "$CONFIG/ca.pem"
  fi
  setting HTTPS_PROXY "$PROXY"
  setting NO_PROXY "$NO_PROXY_FOR"
}

place_program() {
  if ! cmp -s "$FROM/farhand-agent" "$PROGRAMS/$VERSION/farhand-agent"; then
    rm -rf "$PROGRAMS/$VERSION.new"
    mkdir -p "$PROGRAMS/$VERSION.new"
    cp -RP "$FROM/." "$PROGRAMS/$VERSION.new/"
    chown -R root:root "$PROGRAMS/$VERSION.new"
    rm -rf "${PROGRAMS:?}/$VERSION"
    mv "$PROGRAMS/$VERSION.new" "$PROGRAMS/$VERSION"
    CHANGED=yes
  fi
  use_version "$VERSION"
}

use_version() { # version
  if [ "$(installed)" != "$1" ]; then CHANGED=yes; fi
  ln -sfn "$1" "$PROGRAMS/current.new"
  mv -T "$PROGRAMS/current.new" "$PROGRAMS/current"
  mkdir -p "$(dirname "$COMMAND")"
  ln -sfn "$PROGRAMS/current/farhand-agent" "$COMMAND"
  has_systemd || return 0
  for unit in "$UNIT" "$UPDATER.path" "$UPDATER.service"; do
    if [ -f "$PROGRAMS/$1/$unit" ]; then put 0644 root "$PROGRAMS/$1/$unit" "$UNITS/$unit"; fi
  done
  use_profile "$1"
  systemctl daemon-reload
}

# One of the drop-ins beside the unit, or none. What was chosen before stays when nothing is said.
use_profile() { # version
  [ -n "$PROFILE" ] || return 0
  for profile in users sudo; do
    drop_in=$UNITS/$UNIT.d/50-$profile.conf
    if [ "$profile" = "$PROFILE" ] && [ -f "$PROGRAMS/$1/$profile.conf" ]; then
      install -d "$UNITS/$UNIT.d"
      put 0644 root "$PROGRAMS/$1/$profile.conf" "$drop_in"
    elif [ -f "$drop_in" ]; then
      rm "$drop_in"
      CHANGED=yes
    fi
  done
}

# The token is handed over where only root and the agent's own user can see it.
enroll() {
  if [ -f "$STATE/identity.json" ]; then say "this host is enrolled already; its identity stays"; return; fi
  [ -n "$TOKEN" ] || { say "not enrolled: run this again with --token"; return; }
  set -- enroll --url "$URL" --state "$STATE"
  if [ -n "$NAME" ]; then set -- "$@" --name "$NAME"; fi
  if [ -n "$SLOTS" ]; then set -- "$@" --slots "$SLOTS"; fi
  if [ -n "$CA" ]; then set -- "$@" --ca "$CONFIG/ca.pem"; fi
  IFS='
'
  for label in $LABELS; do set -- "$@" --label "$label"; done
  unset IFS
  (cd / && FARHAND_JOIN_TOKEN=$TOKEN runuser -u "$(owner)" -- "$COMMAND" "$@") ||
    fail "enrolling failed for the reason above. Run this again when it is put right"
}

status_text() { systemctl show --property=StatusText --value "$UNIT"; }

# Succeeds when the service is up, and connected if it was before.
start() { # connected before: yes or no
  systemctl enable --quiet "$UNIT"
  if [ "$CHANGED" = no ]; then systemctl start "$UNIT"; else systemctl restart "$UNIT"; fi || return 1
  waited=0
  while [ "$(status_text)" != connected ]; do
    if [ "$waited" -ge "$CONNECT_SECONDS" ] || ! systemctl --quiet is-active "$UNIT"; then
      [ "$1" = no ] && systemctl --quiet is-active "$UNIT" || return 1
      say "started, and not connected yet: journalctl -u farhand-agent says why"
      return 0
    fi
    sleep 1
    waited=$((waited + 1))
  done
}

start_or_go_back() {
  if [ "$START" = no ] || [ ! -f "$STATE/identity.json" ]; then
    say "installed, not started; start it with: systemctl enable --now $UNIT"
    return
  fi
  if start "$WAS_CONNECTED"; then say "farhand-agent $VERSION runs: $(status_text)"; return; fi
  if [ -z "$BEFORE" ] || [ "$BEFORE" = "$VERSION" ]; then
    fail "the agent does not start: journalctl -u farhand-agent says why"
  fi
  say "version $VERSION does not come up; going back to $BEFORE"
  use_version "$BEFORE"
  rm -rf "${PROGRAMS:?}/$VERSION"
  start no || fail "version $BEFORE does not start either: journalctl -u farhand-agent says why"
  fail "version $VERSION did not come up: $BEFORE runs again"
}

# The version that has come up is also the one that acts for root when the agent asks for an
# update. All but it and the one to go back to are removed.
settle() {
  ln -sfn "$VERSION" "$PROGRAMS/proven.new"
  mv -T "$PROGRAMS/proven.new" "$PROGRAMS/proven"
  if has_systemd && [ -f "$UNITS/$UPDATER.path" ]; then systemctl enable --quiet --now "$UPDATER.path"; fi
  set +f
  for path in "$PROGRAMS"/[0-9]*; do
    case ${path##*/} in "$VERSION" | "$BEFORE") ;; *) rm -rf "$path" ;; esac
  done
}

# An update of the agent's own that is still on trial is overtaken by this.
stop_updater() {
  has_systemd && [ -f "$UNITS/$UPDATER.path" ] || return 0
  systemctl stop "$UPDATER.path" "$UPDATER.service"
  rm -f "$PROGRAMS/trial.json"
}

uninstall() {
  if has_systemd; then
    systemctl disable --quiet --now "$UPDATER.path" 2>/dev/null || true
    systemctl disable --quiet --now "$UNIT" 2>/dev/null || true
    rm -rf "${UNITS:?}/$UNIT" "${UNITS:?}/$UNIT.d" "${UNITS:?}/$UPDATER.path" "${UNITS:?}/$UPDATER.service"
    systemctl daemon-reload
    systemctl reset-failed "$UNIT" 2>/dev/null || true
  fi
  rm -rf "$PROGRAMS" "$COMMAND"
  say "removed the program and its unit"
  if [ "$PURGE" = yes ]; then
    rm -rf "$CONFIG" "$STATE"
    ! getent passwd farhand >/dev/null || userdel farhand
    say "removed its settings, its state with the key, and the user farhand"
  else
    say "kept $CONFIG, $STATE and the user farhand (--purge removes them)"
  fi
  say "revoke the agent in the web app, if it is not to come back"
}

main() {
  read_options "$@"
  # Out of a release that was unpacked by hand, next to this script.
  if [ -z "$FROM" ] && [ "${VERSION#@}" != "$VERSION" ]; then FROM=$(dirname "$0"); fi
  check_host
  if [ "$UNINSTALL" = yes ]; then uninstall; return; fi
  # Beside what it becomes: a host may forbid running programs out of /tmp.
  mkdir -p "${PROGRAMS%/*}"
  WORK=$(mktemp -d "${PROGRAMS%/*}/.farhand-install.XXXXXX")
  trap 'rm -rf "$WORK"' EXIT
  trap 'exit 130' INT TERM HUP
  BEFORE=$(installed)
  WAS_CONNECTED=no
  if has_systemd && [ "$(status_text)" = connected ]; then WAS_CONNECTED=yes; fi
  choose_route
  if [ -z "$FROM" ]; then
    refuse_downgrade
    download
  else
    [ -x "$FROM/farhand-agent" ] || fail "$FROM is not an unpacked release"
    require_runs
    VERSION=$("$FROM/farhand-agent" --version)
    refuse_downgrade
  fi
  create_user_and_folders
  write_settings
  stop_updater
  place_program
  enroll
  if has_systemd; then start_or_go_back; else
    say "no systemd here; run it in the foreground, or have your init do so:"
    say "  runuser -u farhand -- $COMMAND run --state $STATE"
  fi
  settle
}

main "$@"
