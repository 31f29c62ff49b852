# Each target does the set-up it needs, and nothing twice. CONTRIBUTING.md tells which to use when.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help demo test unit lint format build soak bench clean

help: ## Print this help
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

node_modules/.ready: package.json package-lock.json
	@command -v npm >/dev/null || { echo 'npm is missing: install Node.js (any version that brings npm), for example: apt-get install npm' >&2; exit 1; }
	@echo '▸ installing the npm packages'
	@npm ci --no-fund --no-audit --loglevel=error
	@touch $@

demo: node_modules/.ready ## A Kubernetes control plane, a virtual node on a local Fargate, real containers; stays up (DEMO_EXIT=1 ends it; PROVIDER=podman does without Fargate)
	@PROVIDER='$(PROVIDER)' DEMO_EXIT='$(DEMO_EXIT)' node demo/demo.ts

test: node_modules/.ready ## Lint, types, unit tests, and end-to-end tests on a real control plane
	@node test/run.ts lint unit cluster e2e

unit: node_modules/.ready ## Unit tests alone: no root, no cluster, a few seconds
	@node test/run.ts unit

lint: node_modules/.ready ## Types, style and direction of imports
	@node test/run.ts lint

format: node_modules/.ready ## Put the source in order
	@biome check --write .

build: node_modules/.ready ## The release: dist/ and a package for npm
	@npm pack --loglevel=error

soak: node_modules/.ready ## The checks of over a minute; docs/soak.md has their dated results
	@node test/run.ts soak

bench: node_modules/.ready ## Our figures; docs/bench.md has them with their dates
	@node bench/run.ts

clean: ## Remove what was built and installed in this folder (caches stay)
	rm -rf dist node_modules *.tgz
