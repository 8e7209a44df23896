#!/usr/bin/env bash
# All that a build needs, from registries alone. What is there is skipped.
source "$(dirname "$0")/common.sh"

has rustup || fail "Rust is missing. Install rustup (https://rustup.rs), then start again."
has npm || debian nodejs npm
[ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || fail "Node.js 20 or later is needed: $(node --version) is installed. Install it (https://nodejs.org), then start again."
has cc || debian build-essential
has brotli || debian brotli

rustc --version >/dev/null 2>&1 || { say "Installing Rust as rust-toolchain.toml says"; rustup toolchain install; }
# Asked of the disk, not of the network.
if ! ls "$(rustc --print sysroot)"/lib/rustlib/wasm32-unknown-unknown >/dev/null 2>&1; then
    say "Adding the WebAssembly target"
    rustup target add wasm32-unknown-unknown
fi

# Tools live in the user's cache by name and version: a second clone finds them. Unoptimised, since they wait for compilers.
if ! has "$TOOLS/wasm-bindgen-cli-$WASM_BINDGEN/bin/wasm-bindgen"; then
    say "Building wasm-bindgen $WASM_BINDGEN (once a machine; a minute or two)"
    cargo install --quiet --root "$TOOLS/wasm-bindgen-cli-$WASM_BINDGEN" "wasm-bindgen-cli@$WASM_BINDGEN"
fi

if ! cmp -s package-lock.json node_modules/.package-lock.installed 2>/dev/null; then
    say "Fetching npm packages: icons, flags, user-agent patterns, maps, locations (134 MB, once), browser tests"
    npm ci --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.package-lock.installed
fi
bash scripts/assets.sh
