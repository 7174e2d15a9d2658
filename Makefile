FUZZTIME   ?= 1m
COUNT      ?= 6

# Of bench-peers: a Python that has the peers, the folder of networks, and more flags of tools/peers/bench.py.
PEERS_PYTHON   ?= python3
PEERS_NETWORKS ?= bin/peers
PEERS_FLAGS    ?=

.DEFAULT_GOAL := help
.PHONY: help test bench bench-peers figures fuzz lint dist ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## run the tests
	go test ./...

bench: ## run the benchmarks COUNT times, summarised by benchstat
	go test -run='^$$' -bench=. -benchmem -count=$(COUNT) ./... | tee bench.out
	go tool -modfile=go.tools.mod benchstat bench.out

bench-peers: ## ours and other runtimes in turns on the same files; PEERS_PYTHON has them (tools/peers/README.md)
	$(PEERS_PYTHON) tools/peers/bench.py --networks $(PEERS_NETWORKS) $(if $(LINQUANT_DATA),--data $(LINQUANT_DATA)) $(PEERS_FLAGS)

figures: ## draw README's five pictures
	go run ./cmd/linquant demo --out-dir assets

fuzz: ## run every fuzz target for FUZZTIME
	FUZZTIME=$(FUZZTIME) bash .ci/run '^fuzz$$'

lint: ## vet, gofumpt, staticcheck
	bash .ci/run '^lint'

dist: ## make archives of static binaries for six platforms, of the commit that is checked out, in dist/
	go run ./tools/dist

ci: ## everything continuous integration checks
	bash .ci/run
