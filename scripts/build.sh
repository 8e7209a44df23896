#!/usr/bin/env bash
# dist/: all that a server needs. Copy the folder anywhere and run dist/whereabouts.
source "$(dirname "$0")/common.sh"
bash scripts/setup.sh

# All that goes into a build. Without a change there is nothing to do.
inputs() {
    find src enhance style templates public migrations scripts Cargo.toml Cargo.lock rust-toolchain.toml package-lock.json -type f -print0 |
        sort -z | xargs -0 sha256sum
    echo "${RUSTFLAGS:-}"
}
built_from="$(inputs | sha256sum)"
if [ -x dist/whereabouts ] && [ "$(cat dist/built-from 2>/dev/null)" = "$built_from" ]; then
    say "Nothing has changed since dist/ was built"
    exit
fi
rm -f dist/built-from

say "Building the server (release)"
cargo build --quiet --release --features ssr

say "Building what browsers load"
site="$(mktemp -d)"
trap 'rm -rf "$site"' EXIT
wasm=target/wasm32-unknown-unknown/wasm-release
# Hydrates the Active Sessions card, and enhances its page.
cargo rustc --quiet --lib --crate-type cdylib --features hydrate --target wasm32-unknown-unknown --profile wasm-release
# Enhances every other page.
cargo build --quiet --package whereabouts-enhance --features entry --target wasm32-unknown-unknown --profile wasm-release
# The module NAME, from the library LIBRARY: small, and with functions in an order that compresses well.
module() {
    local name="$1" library="$2"
    wasm-bindgen --target web --no-typescript --out-dir "$site" --out-name "$name" "$wasm/$library.wasm"
    # Below address 1024 lies only the far end of the stack, and no data.
    wasm-opt -Oz --low-memory-unused "$site/${name}_bg.wasm" -o "$site/$name.wasm"
    wasm-opt -Oz --low-memory-unused --converge --reorder-functions-by-name --strip-producers --strip-target-features "$site/$name.wasm" -o "$site/$name.wasm"
    node scripts/shorten-imports.js "$site/$name.wasm" "$site/$name.js"
    terser "$site/$name.js" --module --compress --mangle --output "$site/$name.js"
    rm "$site/${name}_bg.wasm"
}
module card whereabouts
module forms whereabouts_enhance
lightningcss --minify --bundle --targets '>= 0.25% and not dead' style/main.css -o "$site/whereabouts.css"
cp public/icon.svg "$site/"
node scripts/map.js >"$site/map.svg"

say "Compressing what browsers load"
rm -rf dist/site/pkg
mkdir -p dist/site/pkg
# Names contain a hash of the content, so that browsers may keep the files forever. dist/hashes says which is which.
for file in "$site"/*; do
    name="$(basename "$file")" hash="$(sha256sum "$file" | cut -c1-16)"
    hashed="${name%.*}.$hash.${name##*.}"
    cp "$file" "dist/site/pkg/$hashed"
    brotli --best --keep "dist/site/pkg/$hashed"
    gzip --best --keep "dist/site/pkg/$hashed"
    echo "$name $hashed"
done >"$site.hashes"
mv "$site.hashes" dist/hashes
cp target/release/whereabouts dist/whereabouts.new && mv dist/whereabouts.new dist/whereabouts
echo "$built_from" >dist/built-from
say "Built: dist/"
