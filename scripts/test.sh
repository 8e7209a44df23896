#!/usr/bin/env bash
# Every check and every test. The last line counts.
source "$(dirname "$0")/common.sh"
bash scripts/setup.sh

[ -d /usr/lib/postgresql ] || has initdb || debian postgresql
has chromium || has google-chrome || debian chromium
has curl || debian curl
has python3 || debian python3
has oathtool || debian oathtool
has jq || debian jq
has script || debian bsdutils

passed=0 failed=0
count() { passed=$((passed + $1)) failed=$((failed + $2)); }
check() {
    local what="$1"; shift
    say "$what"
    if "$@"; then count 1 0; else count 0 1; printf 'FAILED: %s\n' "$what"; fi
}

check "Format" cargo fmt --check
check "Lints, server" cargo clippy --quiet --all-targets --features ssr -- -D warnings
check "Lints, browser" cargo clippy --quiet --lib --features hydrate --target wasm32-unknown-unknown -- -D warnings
check "Types of the browser tests" tsc --project end2end

say "Starting a throwaway PostgreSQL"
postgres="$(mktemp -d)"
trap 'bash scripts/postgres.sh stop "$postgres"; rm -rf "$postgres"' EXIT
WHEREABOUTS_TEST_POSTGRES="$(bash scripts/postgres.sh start "$postgres")"
export WHEREABOUTS_TEST_POSTGRES

say "Rust tests, on SQLite and PostgreSQL"
report="$(mktemp)"
cargo test --quiet --features ssr --no-fail-fast -- --test-threads=4 2>&1 | tee "$report" || true
count "$(awk '/^test result:/ { n += $4 } END { print n + 0 }' "$report")" "$(awk '/^test result:/ { n += $6 } END { print n + 0 }' "$report")"
# A test binary that did not build or broke off has no result line, and must not pass for want of one.
grep -qE '^error|SIGABRT|SIGSEGV' "$report" && count 0 1
grep -q '^test result:' "$report" || count 0 1

check "Building the release" bash scripts/build.sh
check "What the page loads, compressed, is at most 250 kB" bash scripts/weigh.sh

check "The API answers as it is described, whatever it is asked" bash scripts/conformance.sh dist/whereabouts

say "End-to-end tests, in a browser"
rm -f test-results/report.json
playwright test --config end2end || true
if [ -f test-results/report.json ]; then
    count "$(node -p 'require("./test-results/report.json").stats.expected')" "$(node -p 'const s = require("./test-results/report.json").stats; s.unexpected + s.flaky + s.skipped')"
else
    count 0 1
fi

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
