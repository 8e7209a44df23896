#!/usr/bin/env bash
# The benchmarks: ratios of things measured in turn in one run, since machines differ and are shared; then the scores of Lighthouse.
source "$(dirname "$0")/common.sh"
bash scripts/setup.sh

[ -d /usr/lib/postgresql ] || has initdb || debian postgresql
has wrk || debian wrk
has python3 || debian python3

say "Starting a throwaway PostgreSQL"
postgres="$(mktemp -d)"
trap 'bash scripts/postgres.sh stop "$postgres"; rm -rf "$postgres"' EXIT
WHEREABOUTS_BENCH_POSTGRES="$(bash scripts/postgres.sh start "$postgres" durable)"
export WHEREABOUTS_BENCH_POSTGRES

say "Measuring (some minutes)"
cargo bench --quiet --features ssr --bench whole -- "$@"

# Without arguments, which name a part of the benchmarks.
[ "$#" != 0 ] || bash scripts/lighthouse.sh dist/whereabouts
