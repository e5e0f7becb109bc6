# SuperSmartMatch Platform. `make help` lists what there is.
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.local/bin:$(PATH)
SHELL := /bin/bash
# The cluster the tests use: the local one unless KUBECONFIG names another.
export KUBECONFIG ?= $(CURDIR)/.local/kubeconfig
# Where its API server notes the operator's writes, for the tests that count them: see e2e/harness/audit.ts.
ifeq ($(KUBECONFIG),$(CURDIR)/.local/kubeconfig)
export AUDIT_LOG ?= $(CURDIR)/.local/audit.log
# This machine is its node: see operator/testing/port-forward.ts.
export PODS_ARE_ROUTED ?= 1
endif
# How the tests get cert-manager: prints its controller and the folder with the definitions of its kinds.
export CERT_MANAGER ?= node $(CURDIR)/local/main.ts cert-manager
# How the tests make a pod vanish from the network: with its address, and back again without one.
export ISOLATE_POD ?= node $(CURDIR)/local/main.ts isolate
# How they kill the processes of a pod, by its uid, without a warning.
export KILL_POD ?= node $(CURDIR)/local/main.ts kill-pod
# How they restart the API server.
export RESTART_API_SERVER ?= node $(CURDIR)/local/main.ts restart-api-server
# Node's cache of what it compiled: without it every start of ours strips the types of every file anew, half of its time.
export NODE_COMPILE_CACHE ?= $(CURDIR)/.local/node-cache
TEST := vitest run --reporter=default --reporter=json --outputFile.json=.local/test-results.json $(ONLY)
.DEFAULT_GOAL := help

##@ Run
up: node_modules ## Start a local Kubernetes, install the operator, apply a sample (SAMPLE=core for core alone), wait until Ready
	@node local/main.ts up
down: node_modules ## Stop the local cluster; volumes and cluster state stay
	@node local/main.ts down
clean: node_modules ## Stop the local cluster and delete its data; build caches stay
	@node local/main.ts clean
status: node_modules ## What runs, what is Ready, and why not
	@node local/main.ts status
logs: node_modules ## Logs of the local cluster's daemons and of the operator (LOG=kubelet for one)
	@node local/main.ts logs $(LOG)
demo: node_modules ## Load ESCO, cities and synthetic people and jobs, then print one candidate's ten best jobs
	@node services/core/demo/main.ts
token: node_modules ## Print a 15-minute token: ROLE=candidate|recruiter|admin [USER=<user id>] [CLUSTER=demo] [NAMESPACE=supersmartmatch]
	@node services/core/demo/token.ts --role "$(ROLE)" $(if $(filter command,$(firstword $(origin USER))),--user "$(USER)")

##@ Develop
check: node_modules ## Format, lint, types, layering, dead code, generated files up to date, migrations safe to run
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-lint check-rest
# Half of the time is the linter's: it has one processor to itself.
check-lint:
	@eslint --max-warnings 0 .
check-rest:
	@tsc
	@prettier --check --log-level warn .
	@knip --no-progress
	@node docs/generate.ts --check
	@node migrations/lint.ts
	@vitest run --project layering --reporter dot
generate: node_modules ## Regenerate CRD manifests, the chart's copy and docs/reference from crds/
	@node docs/generate.ts
format: node_modules ## Format everything
	@prettier --write --log-level warn .
test: up ## All tests that CI runs: unit, operator, migrations, services, end to end (ONLY=e2e/stores for some)
	@$(TEST)
test-all: up ## The same and the slow ones
	@SLOW=1 $(TEST)
bench: node_modules ## Measure what docs/performance.md says, against the specification's own form; needs the cluster of make up
	@SLOW=1 vitest run --project bench --reporter verbose

##@ Release
images: node_modules ## Build the images; REGISTRY=registry.example.com/team also pushes them there
	@node images/main.ts $(REGISTRY)

help:
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

node_modules: package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel error && touch node_modules

.PHONY: up down clean status logs demo token check check-lint check-rest generate format test test-all bench images help
