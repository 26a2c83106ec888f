# The one door: each step is a target here, and each target is a line of shell or a script.

PRESET       ?= release
JOBS         ?= $(shell nproc)
PREFIX       ?= /usr/local
DESTDIR      ?=
SEEDS        ?= 1000
TIMES        ?= 100000
MINUTES      ?= 2
FUZZ_SECONDS ?= 60

cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cygnet
ifneq ($(shell sh -c 'command -v ccache'),)
export CCACHE_DIR ?= $(cache)/ccache
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= 1
launcher := -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache
endif

# compile(preset, targets): configures and builds.
compile = cmake --preset $(1) $(launcher) --log-level=WARNING >/dev/null && \
    cmake --build build/$(1) --parallel $(JOBS) $(if $(2),--target $(2))
# What runs the programs takes those just built, not the newest of several builds.
with_release = CYGNET_BIN=$(CURDIR)/build/release
# The end-to-end scenarios run daemons in real time: one after the other, and a failure gets one more try (ctest says so).
run_tests = ctest --test-dir build/$(1) --output-on-failure --parallel 2 --no-tests=error -LE e2e && \
    ctest --test-dir build/$(1) --output-on-failure -L e2e --repeat until-pass:2

.DEFAULT_GOAL := help
.PHONY: help packages aws-lc libraries demo test build sim hostile ledger interop soak bench fuzz asan tsan tidy format install clean

help:  ## these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / && $$1 != "help" { printf "make %-10s %s\n", $$1, $$2 }' Makefile

packages:
	@tools/install-packages
# What is not in the machine's suite, once per user. The demonstration does without the last two, which are optional and say so
# when they cannot be had.
aws-lc: packages
	@tools/build-aws-lc
libraries: aws-lc
	@tools/fetch-mceliece
	@JOBS=$(JOBS) tools/build-botan

demo: aws-lc  ## two gateways in namespaces: authenticate, agree on a hybrid key, carry traffic
	@$(call compile,release,programs)
	@$(with_release) tools/demo

test: libraries  ## build and run everything that needs no other product
	@$(call compile,dev)
	@$(call run_tests,dev)

build: libraries  ## build the programs (PRESET=release|dev|asan|tsan)
	@$(call compile,$(PRESET),programs)

sim: libraries  ## run the simulator over many seeds (SEEDS=1000), then walk every order of crossing exchanges
	@$(call compile,release,cygnet-sim)
	@build/release/sim/cygnet-sim --seeds $(SEEDS)
	@build/release/sim/cygnet-sim --crossings

hostile: libraries  ## every row of docs/rfc/hostile-inputs.md, 100,000 times each (TIMES=100000); about an hour
	@$(call compile,release,sim_test)
	@seq 0 $$(($(JOBS) - 1)) | CYGNET_HOSTILE_REPETITIONS=$(TIMES) GTEST_TOTAL_SHARDS=$(JOBS) xargs -P $(JOBS) -I% \
	    env GTEST_SHARD_INDEX=% build/release/sim/sim_test --gtest_filter='HostileInputs/*'

ledger: libraries  ## the conformance report: each requirement of docs/rfc and the passing tests that cite it
	@$(call compile,dev)
	@tools/ledger build/dev

interop: libraries  ## run the scenarios against strongSwan
	@$(call compile,release,programs)
	@$(with_release) tests/interop/run

soak: libraries  ## mixed traffic and rekeys every few seconds (MINUTES=2): no packet is lost, and memory stays
	@$(call compile,release,programs)
	@$(with_release) tests/soak/run --minutes $(MINUTES)

bench: libraries  ## measure; writes build/bench/summary.json with a chart beside it, and prints it
	@tools/install-packages bench
	@$(call compile,release,programs benchmarks)
	@$(with_release) bench/run

fuzz: libraries  ## run each fuzz target for a while with libFuzzer (FUZZ_SECONDS=60 each)
	@tools/install-packages tools
	@$(call compile,fuzz,fuzzers)
	@tools/run-fuzzers build/fuzz $(FUZZ_SECONDS)

asan: libraries  ## the tests under the address and undefined-behaviour sanitizers
	@$(call compile,asan)
	@$(call run_tests,asan)

tsan: libraries  ## the tests under the thread sanitizer
	@$(call compile,tsan)
	@$(call run_tests,tsan)

tidy:  ## check the house rules and the layering; clang-tidy too where it is installed
	@tools/tidy
	@tools/run-clang-tidy

format:  ## format the sources with clang-format
	@tools/format

install: build  ## install the programs and man pages (PREFIX=/usr/local DESTDIR=)
	@DESTDIR=$(DESTDIR) cmake --install build/$(PRESET) --prefix $(PREFIX)

clean:  ## remove what was built (the per-user cache stays)
	@rm -rf build
