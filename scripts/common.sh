# Sourced by the other scripts: where tools are kept, and how steps are told.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TOOLS="${XDG_CACHE_HOME:-$HOME/.cache}/whereabouts/tools"
CARGO_LEPTOS=0.3.10
WASM_BINDGEN=0.2.130
export PATH="$TOOLS/cargo-leptos-$CARGO_LEPTOS/bin:$TOOLS/wasm-bindgen-cli-$WASM_BINDGEN/bin:$PWD/node_modules/.bin:$HOME/.cargo/bin:$PATH"

say() { printf '\n\033[1m▸ %s\033[0m\n' "$*"; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian packages where we may, else says the one command that does.
debian() {
    say "Installing $* (Debian packages)"
    local sudo=()
    if [ "$(id -u)" != 0 ]; then
        if has sudo && sudo -n true 2>/dev/null; then sudo=(sudo -n); else fail "Run this once, then start again:  sudo apt-get install -y $*"; fi
    fi
    has apt-get || fail "This needs: $*. Install them with your system's package manager, then start again."
    "${sudo[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$@"
}
