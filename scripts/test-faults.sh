#!/usr/bin/env bash
# The server under attack, seen from outside. One function a part. The last line has the totals.
# `test-faults.sh` runs them all, `test-faults.sh PART…` some.
# Linux only: other addresses of 127.0.0.0/8, which stand for other clients, have to be set up elsewhere.
source "$(dirname "$0")/common.sh"

has curl || debian curl
has python3 || debian python3
has slowhttptest || debian slowhttptest

program="$PWD/dist/whereabouts"

passed=0 failed=0
check() {
    local what="$1"; shift
    say "$what"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$what"
        tail -n 20 "$folder/attack" "$folder/log" || true # the folder is removed at the end
    fi
}

folder="$(mktemp -d)"
server=
stop_server() { [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" || true; server=; }; }
trap 'stop_server; rm -rf "$folder"' EXIT
# Loopback is asked without a proxy.
export no_proxy='*'

# A fresh server with the account "alice": sets $url, $server, and $session, the token of a session of hers.
restart_server() {
    stop_server
    rm -rf "$folder/data"
    export WHEREABOUTS_DATA_DIR="$folder/data" WHEREABOUTS_GEOIP=off WHEREABOUTS_LOG=warn
    WHEREABOUTS_ADDR="127.0.0.1:$(free_port)"
    export WHEREABOUTS_ADDR
    url="http://$WHEREABOUTS_ADDR"
    echo 'correct horse battery' | "$program" user add --username alice --email alice@example.com --password-stdin
    "$program" serve 2>"$folder/log" &
    server=$!
    curl --silent --fail --retry 30 --retry-connrefused --retry-delay 1 --output /dev/null "$url/readyz"
    session="$(curl --silent --fail "$url/api/v1/sessions" -H 'content-type: application/json' \
        -d '{"identifier": "alice", "password": "correct horse battery"}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])')"
}

# Whether somebody at another address is answered within two seconds: a stranger and alice.
is_answering() {
    curl --silent --fail --max-time 2 --interface 127.0.0.2 --output /dev/null "$url/healthz" &&
        curl --silent --fail --max-time 2 --interface 127.0.0.2 --output /dev/null -H "authorization: Bearer $session" "$url/api/v1/me"
}

# Asks all the while that this process runs. Fails at the first answer that is late.
answers_while() {
    local asked=0
    while kill -0 "$1" 2>/dev/null; do
        is_answering || { echo "No answer within 2 s, after $asked that came"; return 1; }
        asked=$((asked + 1))
        sleep 0.2
    done
    echo "$asked answers, each within 2 s"
    [ "$asked" -ge 10 ]
}

# Asks for this path by slowhttptest with these options, for 20 s, from 127.0.0.1.
under_slow_requests() {
    restart_server
    slowhttptest -c 2000 -r 200 -l 20 -p 2 -u "$url$1" "${@:2}" >"$folder/attack" 2>&1 &
    local attack=$! answered=0
    answers_while "$attack" || answered=1
    kill "$attack" 2>/dev/null || true
    wait "$attack" || true
    return "$answered"
}

# A head by the line, that never ends.
slow_heads() { check "Slow heads (slowhttptest -H)" under_slow_requests /login -H -i 5; }
# A body by the byte.
slow_bodies() { check "Slow bodies (slowhttptest -B)" under_slow_requests /api/v1/sessions -B -i 5 -s 8192 -f application/json; }
# A thousand overlapping ranges of a file.
many_ranges() { check "Many ranges (slowhttptest -R)" under_slow_requests /flags/gb.svg -R -a 5 -b 3000; }
# An answer read by a few bytes.
slow_readers() { check "Slow readers (slowhttptest -X)" under_slow_requests /api/openapi.json -X -w 512 -y 1024 -n 5 -z 32 -k 3; }

all=(slow_heads slow_bodies many_ranges slow_readers)
parts=("$@")
[ "$#" != 0 ] || parts=("${all[@]}")
for part in "${parts[@]}"; do
    [[ " ${all[*]} " == *" $part "* ]] || fail "Parts: ${all[*]}"
done
for part in "${parts[@]}"; do "$part"; done

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
