# Each command sets up all it needs, says what it does, and repeats nothing that is done.

.PHONY: run build demo test test-faults bench dependencies setup clean

run: build
	@exec dist/whereabouts serve

demo: build
	@export WHEREABOUTS_DATA_DIR=$${WHEREABOUTS_DATA_DIR:-data/demo}; dist/whereabouts demo && exec dist/whereabouts serve

build:
	@bash scripts/build.sh

test:
	@bash scripts/test.sh

test-faults: build
	@bash scripts/test-faults.sh

bench: build
	@bash scripts/bench.sh

# Needs a network that reaches the advisory database, so it is not part of `make test`.
dependencies:
	@cargo deny --version >/dev/null 2>&1 || { echo "Run this once, then start again:  cargo install --locked cargo-deny"; exit 1; }
	@cargo deny check

setup:
	@bash scripts/setup.sh

clean:
	rm -rf target dist node_modules test-results
