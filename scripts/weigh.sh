#!/usr/bin/env bash
# What the page loads, as browsers get it: WebAssembly and JavaScript together, brotli.
source "$(dirname "$0")/common.sh"
bytes="$(cat dist/site/pkg/*.wasm.br dist/site/pkg/*.js.br | wc -c)"
echo "WebAssembly and JavaScript: $((bytes / 1000)) kB of 250 kB"
[ "$bytes" -le 250000 ]
