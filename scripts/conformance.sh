#!/usr/bin/env bash
# Asks a running server everything that the description of its API allows, and much that it does not: no answer may be a 5xx, or
# one that is not described. As a session, as an API token, and as a stranger. `conformance.sh PROGRAM`.
source "$(dirname "$0")/common.sh"
program="${1:-dist/whereabouts}"

SCHEMATHESIS=4.32.5
st="$TOOLS/schemathesis-$SCHEMATHESIS/bin/st"
if ! has "$st"; then
    python3 -c 'import ensurepip' 2>/dev/null || debian python3-venv
    say "Installing schemathesis $SCHEMATHESIS (once a machine)"
    python3 -m venv "$TOOLS/schemathesis-$SCHEMATHESIS"
    "$TOOLS/schemathesis-$SCHEMATHESIS/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$SCHEMATHESIS"
fi

configure_server
export WHEREABOUTS_RATE_LIMITS=off WHEREABOUTS_GEOIP=off
password='correct horse battery'
echo "$password" | "$program" user add --username alice --email alice@example.com --password-stdin
start_server "$program"

post() { curl --silent --fail "$url/api/v1/$1" -H 'content-type: application/json' "${@:2}"; }
token() { python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])'; }
session="$(post sessions -d "{\"identifier\": \"alice\", \"password\": \"$password\"}" | token)"
api_token="$(post tokens -H "authorization: Bearer $session" -d '{"name": "conformance", "group": "full"}' | token)"

cd "$folder"
failed=0
run() {
    say "Conformance: $1"
    # That what a schema allows may be refused (a time in the past, a wrong password) is no failure: the answer is described.
    "$st" run "$url/api/openapi.json" --seed 1 --max-examples 60 --no-color --warnings off --exclude-checks positive_data_acceptance "${@:2}" || failed=1
}
# Signing itself out, or revoking itself, would leave nothing to ask with.
run "a session" -H "Authorization: Bearer $session" --exclude-operation-id delete_current
run "an API token" -H "Authorization: Bearer $api_token" --exclude-operation-id revoke_all
run "a stranger"
grep -i panick "$folder/log" && failed=1
exit "$failed"
