#!/usr/bin/env bash
# A throwaway PostgreSQL on a socket and a free port: `postgres.sh start FOLDER` prints its URL, `postgres.sh stop
# FOLDER` ends it. `start FOLDER durable` keeps what it answered through a power cut, as in production; tests do without.
source "$(dirname "$0")/common.sh"
folder="$2"
bin="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)"
[ -n "$bin" ] || bin="$(dirname "$(command -v initdb)")"

# It refuses to run as root.
as_user() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"; else "$@"; fi; }

case "$1" in
start)
    mkdir -p "$folder"
    [ "$(id -u)" != 0 ] || chown nobody:nogroup "$folder"
    port="$(free_port)"
    cd /
    as_user "$bin/initdb" -D "$folder/data" -U test --auth=trust -E UTF8 --no-sync >"$folder/initdb.log"
    fsync=off; [ "${3:-}" != durable ] || fsync=on
    as_user "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w start >/dev/null \
        -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c fsync=$fsync -c max_connections=400"
    echo "postgres://test@127.0.0.1:$port"
    ;;
stop)
    cd /
    as_user "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null
    ;;
esac
