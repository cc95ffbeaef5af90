# chordring: every command a person or CI runs. `make help` lists them.
# The scripts behind the targets are TypeScript, run by the Node 24 that npm installs.

SHELL := bash
.SHELLFLAGS := -o pipefail -euc
MAKEFLAGS += --no-print-directory --warn-undefined-variables
NODE := node_modules/.bin/node
SEED ?=
SEEDS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test ring cluster cluster-down env deploy
.PHONY: check sim bench images gen picture install

##@ Start here
demo: install ## Cluster, operator, five-node ring, a value put and read back, a picture of the ring
	@$(NODE) hack/demo.ts
test: install ## Everything, from types and lint to end-to-end on a real cluster
	@$(NODE) hack/test.ts
ring: install ## No Kubernetes: five nodes as local processes, and the live page
	@$(NODE) hack/ring.ts

##@ Cluster
cluster: install ## A three-node cluster: kind where a Docker engine runs, else the built-in one
	@$(NODE) hack/cluster/main.ts up
cluster-down: install ## Remove that cluster and all it started
	@$(NODE) hack/cluster/main.ts down
env: install ## Shell lines for kubectl, helm and Node 24: eval "$$(make -s env)"
	@$(NODE) hack/cluster/main.ts env
deploy: install ## Build both images, load them, install or upgrade the operator by helm
	@$(NODE) hack/deploy.ts

##@ Parts
check: install ## Types, lint, format, repository rules, generated files: seconds
	@$(NODE) hack/check.ts
sim: install ## The simulator: make sim SEED=7 replays one run, SEEDS=1..100 runs many
	@$(NODE) node/sim/main.ts $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS))
bench: install ## Cost per operation beside a floor measured in the same run
	@$(NODE) node/bench/main.ts
images: install ## Build both images
	@$(NODE) hack/images.ts
gen: install ## Regenerate what is generated (crds/)
	@$(NODE) hack/gen.ts
picture: install ## Draw the README's picture of the page anew, from a real ring
	@$(NODE) hack/screenshot.ts

install: node_modules/.chordring-installed
PACKAGES := package.json package-lock.json $(wildcard */package.json)
node_modules/.chordring-installed: $(PACKAGES)
	@echo "Installing npm packages" >&2
	@npm ci --no-fund --no-audit --loglevel=error >&2
	@touch $@

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {gsub(/[$$][$$]/, "$$"); printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
