FUZZTIME   ?= 1m
COUNT      ?= 6

.DEFAULT_GOAL := help
.PHONY: help test bench bench-peers figures fuzz lint dist ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## run the tests
	go test ./...

bench: ## run the benchmarks COUNT times, summarised by benchstat
	go test -run='^$$' -bench=. -benchmem -count=$(COUNT) ./... | tee bench.out
	go tool -modfile=go.tools.mod benchstat bench.out

bench-peers: ## ours and ONNX Runtime in turns on the same files; LINQUANT_ORT_PYTHON names a Python that has onnxruntime
	go test -run='^$$' -bench=Peers -benchtime=1x ./internal/testing/e2e

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
