# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The processes of ./demo, which sources this file: a temporary directory with a log for each of them. However ./demo ends, by
# itself, by a failure or by a signal, all of them are stopped and the directory is removed.

declare -A pid_of=() # by name, which is also the log's

if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; else bold='' plain=''; fi

step() { echo "$bold==> $*$plain"; }

# fail MESSAGE [NAME...]: ends the demo, keeps the logs, and shows the end of the named ones.
fail() {
  local name
  echo "demo: $1" >&2
  shift
  if [ $# -gt 0 ]; then
    mkdir -p build/demo-log
    cp "$directory"/log/* build/demo-log/
    for name in "$@"; do
      echo "The end of build/demo-log/$name.log:" >&2
      tail -n 15 "build/demo-log/$name.log" | sed 's/^/    /' >&2
    done
  fi
  exit 1
}

make_directory() {
  # Not in TMPDIR, which Apache's user may not be allowed to enter. A Unix socket's path has at most 107 bytes.
  directory=$(mktemp -d /tmp/socket-handoff-demo.XXXXXX)
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 141' PIPE
  trap 'exit 143' TERM
  mkdir "$directory/log"
}

# start NAME COMMAND...: in a session of its own, so that Ctrl-C reaches it only through clean_up. It ends if this shell is
# killed.
start() {
  local name=$1
  shift
  setsid setpriv --pdeathsig TERM "$@" </dev/null >>"$directory/log/$name.log" 2>&1 &
  pid_of[$name]=$!
}

is_running() { kill -0 "${pid_of[$1]}" 2>/dev/null; }

# signal SIGNAL NAME: to all processes of its session; to its first one alone as long as that has not begun the session.
signal() { kill "-$1" -- "-${pid_of[$2]}" 2>/dev/null || kill "-$1" "${pid_of[$2]}" 2>/dev/null; }

# await NAME CONDITION...: until the process is ready.
await() {
  local name=$1 deadline=$((SECONDS + 20))
  shift
  until "$@" 2>/dev/null; do
    is_running "$name" || fail "$name ended when it should have started" "$name"
    [ $SECONDS -lt $deadline ] || fail "$name was not ready within 20 s" "$name"
    sleep 0.05
  done
}

# await_end NAME PROGRESS: until it has ended; returns its exit status. Calls PROGRESS at intervals.
await_end() {
  while is_running "$1"; do
    "$2"
    sleep 0.2
  done
  local status=0
  wait "${pid_of[$1]}" || status=$?
  unset "pid_of[$1]"
  return $status
}

# Until one has ended, with all processes of its session: a daemon that was upgraded runs on in another process. Sets `ended`.
await_any_end() {
  local name
  while true; do
    for name in "${!pid_of[@]}"; do
      signal 0 "$name" || { ended=$name && return; }
    done
    sleep 0.2 &
    wait $! # which a signal ends at once
  done
}

clean_up() {
  local name
  trap '' HUP INT PIPE TERM
  # Senders of hand-offs before their receiver.
  for name in httpd php-fpm streaming-daemon build "${!pid_of[@]}"; do
    [ -z "${pid_of[$name]:-}" ] || stop "$name"
  done
  rm -rf "$directory"
}

# The daemon has five seconds to let streams end; then it is killed.
stop() {
  local deadline=$((SECONDS + 5))
  signal TERM "$1" || return 0
  while signal 0 "$1"; do
    [ $SECONDS -lt $deadline ] || signal KILL "$1" || true
    sleep 0.05
  done
}
