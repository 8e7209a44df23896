#!/usr/bin/env bash
# What each page loads, as a browser gets it: brotli, over HTTP, from the built program. Fails above the budgets. `weigh.sh [PROGRAM]`.
source "$(dirname "$0")/common.sh"
program="${1:-dist/whereabouts}"

# Bytes of WebAssembly and JavaScript together; bytes of HTML with 25 different sessions.
CARD_BUDGET=125000 FORM_BUDGET=20000 HTML_BUDGET=8000

configure_server
export WHEREABOUTS_RATE_LIMITS=off WHEREABOUTS_REGISTRATION=open WHEREABOUTS_TRUSTED_PROXIES=127.0.0.0/8
password='correct horse battery'
echo "$password" | "$program" user add --username alice --email alice@example.com --admin --password-stdin
start_server "$program"

systems=('Windows NT 10.0; Win64; x64' 'X11; Linux x86_64' 'Macintosh; Intel Mac OS X 10_15_7' 'Linux; Android 15; Pixel 9' 'iPhone; CPU iPhone OS 18_5 like Mac OS X')
sign_in() {
    local number="$1" system="${systems[$1 % 5]}" version=$((120 + $1))
    curl --silent --fail "$url/api/v1/sessions" -H 'content-type: application/json' -H "x-forwarded-for: $((number * 8 + 5)).$((number * 7)).12.$number" \
        -A "Mozilla/5.0 ($system; rv:$version.0) Gecko/20100101 Firefox/$version.0" -d "{\"identifier\": \"alice\", \"password\": \"$password\"}"
}
for number in $(seq 24); do sign_in "$number" >/dev/null; done
session="$(sign_in 25 | jq --raw-output .token)"

get() { curl --silent --fail -H 'accept-encoding: br' -H 'accept: text/html' "${cookie[@]}" "$url$1"; }
failed=0
row() {
    local page="$1" budget="$2" html scripts=0 file mark=''
    get "$page" >"$folder/page"
    html="$(wc -c <"$folder/page")"
    for file in $(brotli --decompress --stdout "$folder/page" | grep -oE '/pkg/[a-z]+(\.[0-9a-f]+)?\.(js|wasm)' | sort -u); do
        scripts=$((scripts + $(get "$file" | wc -c)))
    done
    # A page without a script would weigh nothing: it must load one.
    if [ "$scripts" = 0 ] || [ "$scripts" -gt "$budget" ] || [ "$html" -gt "$HTML_BUDGET" ]; then mark=' ✗' failed=1; fi
    printf '%-26s %8d %12d %8d%s\n' "$page" "$html" "$scripts" "$budget" "$mark"
}
printf '%-26s %8s %12s %8s\n' page HTML scripts budget
cookie=()
for page in /login /register /request-access /forgot-password '/reset-password?token=x' '/verify-email?token=x' '/sign-in-alert?token=x' '/setup?token=x'; do
    row "$page" "$FORM_BUDGET"
done
cookie=(-H "cookie: whereabouts=$session")
row '/profile?tab=security' "$CARD_BUDGET"
for page in '/profile?tab=profile' '/profile?tab=api-tokens' /profile/password /profile/two-factor /profile/tokens/new /confirm /admin /plants /audit; do
    row "$page" "$FORM_BUDGET"
done
# One page with its own, longer text.
HTML_BUDGET=40000
row /api/docs "$FORM_BUDGET"
exit "$failed"
