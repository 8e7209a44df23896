#!/usr/bin/env bash
# The scores that Lighthouse gives to the main pages, with 25 sessions in the card. `lighthouse.sh PROGRAM`.
source "$(dirname "$0")/common.sh"
program="${1:-dist/whereabouts}"

has chromium || has google-chrome || debian chromium
has curl || debian curl
has python3 || debian python3

configure_server
echo 'correct horse battery' | "$program" seed --users 1 --sessions-per-user 25 --prefix lighthouse --tokens "$folder/tokens" --password-stdin >/dev/null
start_server "$program"

say "Lighthouse (some minutes)"
node scripts/lighthouse.js "$url" "$(head -n 1 "$folder/tokens" | cut -f 3)"
