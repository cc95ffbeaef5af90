# chordring: every command a person or CI runs. `make help` lists them.
# The scripts behind the targets are TypeScript, run by the Node 24 that npm installs.

SHELL := bash
.SHELLFLAGS := -o pipefail -euc
MAKEFLAGS += --no-print-directory --warn-undefined-variables
NODE := node_modules/.bin/node
SEED ?=
SEEDS ?=
FRESH ?=
RATES ?=
WRITE ?=
NAME ?=
URL ?=

.DEFAULT_GOAL := help
.PHONY: help demo test ring cluster cluster-down env deploy
.PHONY: check bench images gen picture fuzz install
.PHONY: sim data-sim mutants scenarios check-ring verify paper sim-speed

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
bench: install ## Cost per operation beside a floor measured in the same run
	@$(NODE) node/bench/main.ts
images: install ## Build both images
	@$(NODE) hack/images.ts
gen: install ## Regenerate what is generated (crds/)
	@$(NODE) hack/gen.ts
picture: install ## Draw the README's picture of the page anew, from a real ring
	@$(NODE) hack/screenshot.ts

##@ Evidence
LIVES = $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) \
	  $(if $(FRESH),--fresh $(FRESH)) $(if $(RATES),--rates $(RATES))
sim: install ## The simulator: SEED=7 replays one life, SEEDS=1..100 runs many, FRESH=1000 new ones
	@$(NODE) node/sim/main.ts $(LIVES)
data-sim: install ## The same for values, their copies and moves
	@$(NODE) node/sim/data/main.ts $(LIVES)
mutants: install ## Break the protocol in known ways; each must be noticed. WRITE=1: the tables
	@$(NODE) node/sim/main.ts --mutants $(if $(WRITE),--write)
	@$(NODE) node/sim/data/main.ts --mutants $(if $(WRITE),--write)
scenarios: install ## Histories of small rings with transcripts: NAME=join-step-by-step shows one
	@$(NODE) node/sim/scenarios.ts $(if $(WRITE),--write) $(if $(NAME),--show $(NAME))
fuzz: install ## Requests made up from docs/openapi.yaml against a real ring; needs Python. SEED=7
	@$(NODE) hack/fuzz.ts $(if $(SEED),--seed $(SEED))
check-ring: install ## A live ring by the simulator's invariants: URL=http://localhost:8080
	@$(NODE) node/sim/check-ring.ts --url $(or $(URL),http://localhost:8080) --times 3
verify: install ## Check the model of the protocol exhaustively. WRITE=1: its table in docs/model.md
	@$(NODE) node/model/verify.ts $(if $(WRITE),--write)
paper: install ## The papers' experiments on the production code: docs/paper.md
	@$(NODE) node/sim/paper/main.ts
sim-speed: install ## How fast the simulator is, and what a large ring costs
	@$(NODE) node/sim/speed.ts

install: node_modules/.chordring-installed
PACKAGES := package.json package-lock.json $(wildcard */package.json)
node_modules/.chordring-installed: $(PACKAGES)
	@echo "Installing npm packages" >&2
	@npm ci --no-fund --no-audit --loglevel=error >&2
	@touch $@

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {gsub(/[$$][$$]/, "$$"); printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
