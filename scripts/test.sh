#!/usr/bin/env bash
# Every check and every test. The last line counts.
source "$(dirname "$0")/common.sh"
bash scripts/setup.sh

[ -d /usr/lib/postgresql ] || has initdb || debian postgresql
has chromium || has google-chrome || debian chromium
has firefox-esr || has firefox || debian firefox-esr
has WebKitWebDriver || debian webkit2gtk-driver
has Xvfb || debian xvfb
has curl || debian curl
has python3 || debian python3
has oathtool || debian oathtool
has jq || debian jq
has script || debian bsdutils

passed=0 failed=0
failures="$(mktemp)" # a line each, printed before the totals: whoever sees only the end of a long log must see what failed
count() { passed=$((passed + $1)) failed=$((failed + $2)); }
count_report() {
    local totals
    read -ra totals <<<"$(tally "$1")"
    count "${totals[@]}"
    failed_in "$1" >>"$failures"
}
check() {
    local what="$1"; shift
    say "$what"
    if "$@"; then count 1 0; else count 0 1; echo "$what" >>"$failures"; fi
}

check "Format" cargo fmt --all --check
check "Lints, server" cargo clippy --workspace --quiet --all-targets --features ssr -- -D warnings
check "Lints, browser" cargo clippy --quiet --lib --features hydrate --target wasm32-unknown-unknown -- -D warnings
check "Lints, browser without the card" cargo clippy --quiet --package whereabouts-enhance --features entry --target wasm32-unknown-unknown -- -D warnings
check "Types of the browser tests" tsc --project end2end

say "Starting a throwaway PostgreSQL"
postgres="$(mktemp -d)"
report="$(mktemp)"
trap 'bash scripts/postgres.sh stop "$postgres"; rm -rf "$postgres" "$report" "$failures"' EXIT
WHEREABOUTS_TEST_POSTGRES="$(bash scripts/postgres.sh start "$postgres")"
export WHEREABOUTS_TEST_POSTGRES

say "Rust tests, on SQLite and PostgreSQL"
cargo test --quiet --workspace --features ssr --no-fail-fast -- --test-threads=4 2>&1 | tee "$report" || true
count "$(awk '/^test result:/ { n += $4 } END { print n + 0 }' "$report")" "$(awk '/^test result:/ { n += $6 } END { print n + 0 }' "$report")"
# A test binary that did not build or broke off has no result line, and must not pass for want of one.
grep -qE '^error|SIGABRT|SIGSEGV' "$report" && count 0 1
grep -q '^test result:' "$report" || count 0 1
grep -E -- '--- FAILED$|^error|SIGABRT|SIGSEGV' "$report" >>"$failures" || true

check "Building the release" bash scripts/build.sh
check "What each page loads is within its budget" bash scripts/weigh.sh

check "The API conforms to its description" bash scripts/conformance.sh dist/whereabouts

say "End-to-end tests, in Chromium"
rm -f test-results/report.json
playwright test --config end2end || true
count_report test-results/report.json

say "Smoke tests, in Firefox and WebKit"
rm -f test-results/other-browsers/report.json
bash scripts/other-browsers.sh dist/whereabouts || true
count_report test-results/other-browsers/report.json

[ "$failed" = 0 ] || { printf '\nFailed:\n'; cat "$failures"; }
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
