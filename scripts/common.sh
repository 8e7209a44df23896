# Sourced by the other scripts: where tools are kept, and how steps are printed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TOOLS="${XDG_CACHE_HOME:-$HOME/.cache}/whereabouts/tools"
WASM_BINDGEN=0.2.130
export PATH="$TOOLS/wasm-bindgen-cli-$WASM_BINDGEN/bin:$PWD/node_modules/.bin:$HOME/.cargo/bin:$PATH"

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

# Prints how many tests passed and how many did not, by this report of Playwright. Without a report, one did not.
tally() {
    [ -f "$1" ] || { echo "0 1"; return; }
    node -p 'const s = JSON.parse(require("fs").readFileSync(process.argv[1])).stats; `${s.expected} ${s.unexpected + s.flaky + s.skipped}`' "$1"
}

# Prints the tests in this report of Playwright that did not pass, and how each began to fail.
failed_in() {
    [ -f "$1" ] || { echo "No report in $1"; return; }
    node -e '
        const specs = (suite) => [...(suite.specs ?? []), ...(suite.suites ?? []).flatMap(specs)];
        const report = JSON.parse(require("fs").readFileSync(process.argv[1]));
        for (const { ok, tests, file, line, title } of report.suites.flatMap(specs)) {
            if (ok && tests.every(({ status }) => status === "expected")) continue;
            const why = tests.flatMap(({ results }) => results).find(({ error }) => error)?.error.message ?? "";
            console.log(`${file}:${line} ${title}: ${why.split("\n", 3).join(" ")}`);
        }' "$1"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Settings of a throwaway server. Sets $folder, which is removed with the server when the script ends, and $url.
configure_server() {
    folder="$(mktemp -d)"
    trap 'rm -rf "$folder"' EXIT
    export WHEREABOUTS_DATA_DIR="$folder/data" WHEREABOUTS_LOG=warn
    WHEREABOUTS_ADDR="127.0.0.1:$(free_port)"
    export WHEREABOUTS_ADDR
    # Loopback is reached without a proxy.
    export no_proxy='*'
    url="http://$WHEREABOUTS_ADDR"
}

# Starts PROGRAM with these settings, and waits until it answers.
start_server() {
    "$1" serve 2>"$folder/log" &
    trap 'kill %1 2>/dev/null; wait; rm -rf "$folder"' EXIT
    curl --silent --fail --retry 30 --retry-connrefused --retry-delay 1 --output /dev/null "$url/readyz"
}
