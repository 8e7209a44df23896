#!/usr/bin/env bash
# dist/: all that a server needs. Copy the folder anywhere and run dist/whereabouts.
source "$(dirname "$0")/common.sh"
bash scripts/setup.sh

say "Building the server and the page (release)"
cargo leptos build --release

say "Compressing what browsers load"
mkdir -p dist/site
rm -rf dist/site/pkg
cp -r target/site/. dist/site/
rm -f dist/site/pkg/*.d.ts
for file in dist/site/pkg/*.{js,wasm,css}; do
    brotli --best --force --keep "$file"
    gzip --best --force --keep "$file"
done
cp target/release/whereabouts dist/whereabouts.new && mv dist/whereabouts.new dist/whereabouts
cp target/release/hash.txt dist/hash.txt
say "Built: dist/"
