#!/usr/bin/env bash
# Smoke tests in Firefox and in WebKit, the engine of Safari. The last line has the totals. `other-browsers.sh PROGRAM`.
source "$(dirname "$0")/common.sh"
export WHEREABOUTS_TEST_BINARY="${1:-dist/whereabouts}"

has firefox-esr || has firefox || debian firefox-esr
FIREFOX="$(command -v firefox-esr || command -v firefox)"
export FIREFOX
has WebKitWebDriver || debian webkit2gtk-driver
has Xvfb || debian xvfb

# What the browsers keep goes into a folder that is removed. Firefox refuses to run as root in the home folder of another user.
HOME="$(mktemp -d)"
export HOME
unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME
trap 'rm -rf "$HOME"' EXIT

report=test-results/other-browsers/report.json
rm -f "$report"
# Loopback is reached without a proxy.
export no_proxy='*'
playwright test --config end2end/other-browsers || true
read -r passed failed <<<"$(tally "$report")"
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
