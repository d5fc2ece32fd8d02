# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The private Apache, PHP-FPM and daemon of bench/apache/run and bench/apache/leaks, which source this from the project's
# directory. Expects $here, $build and $module (may be empty); everything it starts ends with the script.

. conf/demo/processes.sh

# The CPUs of Apache and PHP, and those of the others: all, unless a script sets them.
on_apaches_cpus=()
on_others_cpus=()

# fail MESSAGE [NAME...]: with the end of the named logs.
fail() {
  local name
  echo "${0#./}: $1" >&2
  shift
  for name; do tail -n 15 "$directory/log/$name.log" >&2; done
  exit 1
}

check_programs() {
  local program
  module=$(realpath "${module:-$build/mod_socket_handoff/mod_socket_handoff.so}")
  daemon=$(realpath "$build/daemon/streaming-daemon")
  for program in "$module" "$daemon"; do [ -e "$program" ] || fail "there is no $program; build first"; done
  command -v ab >/dev/null || fail "there is no ab; install it (Debian: apache2-utils)"
}

prepare_directory() {
  export BENCH_DIRECTORY=$directory BENCH_HTTPD_MODULES BENCH_MOD_PHP
  export DEMO_DIRECTORY=$directory DEMO_USER DEMO_GROUP # conf/demo/php-fpm.conf wants these names
  BENCH_HTTPD_MODULES=$(apxs -q LIBEXECDIR)
  BENCH_MOD_PHP=$(compgen -G "$BENCH_HTTPD_MODULES/libphp*.so" | sort -V | tail -n 1) || true
  port=$((20000 + RANDOM % 10000))
  DEMO_USER=$(id -un)
  if [ "$(id -u)" -eq 0 ]; then DEMO_USER=www-data; fi
  DEMO_GROUP=$(id -gn "$DEMO_USER")
  mkdir "$directory/htdocs"
  cp "$here/answers.php" "$directory/htdocs/"
  cp "$module" "$directory/httpd.so"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=127.0.0.1 \
    -keyout "$directory/tls.key" -out "$directory/tls.crt" 2>"$directory/log/openssl.log" ||
    fail "openssl could not make a certificate" openssl
  chgrp -R "$DEMO_GROUP" "$directory"
  chmod -R u=rwX,g=rwXs,o= "$directory"
}

start_daemon() {
  start streaming-daemon "${on_others_cpus[@]}" "$daemon" --config /dev/null --socket "$directory/streaming-daemon.sock" --socket-mode 0660 \
    --backend mock --delay 0 --benchmark --metrics-addr ''
  await streaming-daemon grep -qw ready "$directory/log/streaming-daemon.log"
}

start_php() {
  start php-fpm "${on_apaches_cpus[@]}" "$(compgen -c php-fpm | sort -V | tail -n 1)" --nodaemonize --fpm-config "$PWD/conf/demo/php-fpm.conf"
  await php-fpm test -S "$directory/php-fpm.sock"
}

# start_httpd MPM [NAME PORT ARGUMENT...]: with the module NAME.so, or httpd.so without a name.
start_httpd() {
  local mpm=$1 name=${2:-httpd}
  export BENCH_NAME=$name BENCH_PORT=${3:-$port} BENCH_TLS_PORT=$((${3:-$port} + 2)) BENCH_HANDOFF_MODULE=$directory/$name.so
  rm -f "$directory/$name.pid"
  start "$name" "${on_apaches_cpus[@]}" "$(apxs -q SBINDIR)/$(apxs -q PROGNAME)" \
    -C "LoadModule mpm_${mpm}_module $BENCH_HTTPD_MODULES/mod_mpm_$mpm.so" -f "$here/httpd.conf" -DFOREGROUND "${@:4}"
  await "$name" test -s "$directory/$name.pid"
  await "$name" curl --silent --fail --noproxy '*' --output /dev/null "http://127.0.0.1:$BENCH_PORT/answers.php"
}

url_of() {
  local url=http://127.0.0.1:$port tls_url=https://127.0.0.1:$((port + 2)) query="?socket=$directory/streaming-daemon.sock"
  case $1 in
    ordinary) echo "$url/answers.php" ;;
    handoff) echo "$url/answers.php$query" ;;
    acknowledged) echo "$url/acknowledged/answers.php$query" ;;
    https) echo "$tls_url/answers.php" ;;
    https-relayed) echo "$tls_url/relayed/answers.php$query" ;;
    https-handoff) echo "$tls_url/answers.php$query" ;;
    https-acknowledged) echo "$tls_url/acknowledged/answers.php$query" ;;
    beside) echo "http://127.0.0.1:$((port + 1))/answers.php$query" ;;
  esac
}

stop_named() {
  local name
  for name; do
    stop "$name"
    unset "pid_of[$name]"
  done
}
