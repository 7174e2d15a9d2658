CHECKPOINT ?= ../shared/data/checkpoints/model_199-1.tar
FUZZTIME   ?= 1m
COUNT      ?= 6

.DEFAULT_GOAL := help
.PHONY: help test bench figures fuzz lint ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## run the tests
	go test ./...

bench: ## run the benchmarks COUNT times, summarised by benchstat
	go test -run='^$$' -bench=. -benchmem -count=$(COUNT) ./... | tee bench.out
	go tool -modfile=go.tools.mod benchstat bench.out

figures: ## draw README's five pictures; the histograms are of CHECKPOINT
	go run ./cmd/linquant demo --out-dir assets
	go run ./cmd/linquant hist $(CHECKPOINT) --bits 32 -o assets/weight_hist_fp32.png
	go run ./cmd/linquant hist $(CHECKPOINT) --bits 4 -o assets/weight_hist_4bit.png
	go run ./cmd/linquant hist $(CHECKPOINT) --bits 2 -o assets/weight_hist_2bit.png

fuzz: ## run every fuzz target for FUZZTIME
	FUZZTIME=$(FUZZTIME) bash .ci/run '^fuzz$$'

lint: ## vet, gofumpt, staticcheck
	bash .ci/run '^lint'

ci: ## everything continuous integration checks
	bash .ci/run
