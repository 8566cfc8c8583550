# SPDX-License-Identifier: GPL-2.0
# The front door. `make` runs the main job: kernels, boots, tables and plots. `make check` passes the tests.

SHELL := /bin/bash
BUILD := build
SANITIZED := build-sanitized
# Empty: all cores.
JOBS ?=

PACKAGES := g++ cmake ninja-build pkg-config make \
  libcli11-dev libexpected-dev libtomlplusplus-dev nlohmann-json3-dev libfmt-dev libsqlitecpp-dev libsqlite3-dev libarchive-dev \
  libboost-dev libcapstone-dev libssl-dev libcap-dev libgtest-dev libgmock-dev libbenchmark-dev \
  linux-source-6.12 linux-config-6.12 flex bison bc libelf-dev xz-utils zstd patch perl \
  qemu-system-x86 gnuplot-nox git \
  coreutils dash grep libc6-dev linux-perf procps rt-tests stress-ng tcc util-linux help2man
# What the tests hold the exports against, and the other machines that boots are sent to.
CHECK_PACKAGES := valgrind slurm-wlm openssh-client openssh-server
LINT_PACKAGES := clang-format clang-tidy
FUZZ_PACKAGES := clang libclang-rt-14-dev
# Where 'make install' puts things; DESTDIR stands before it, for packagers.
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: all help nslab build setup reference check check-models torture fuzz unit bench lint format install clean
.NOTPARALLEL:

all: nslab  ## the main job: a first answer, then kernels from source, boots of configs/smoke.toml, tables and plots
	$(BUILD)/nslab doctor
	@echo "First, in some two minutes: what a pid namespace costs on Debian's own kernel (configs/first.toml)."
	@$(BUILD)/nslab run configs/first.toml $(if $(JOBS),--jobs $(JOBS)) && $(BUILD)/nslab report results/first || \
	  echo "There is no first answer, for the reason above. The main job goes on without it."
	@echo "Then: four designs, built from source (configs/smoke.toml)."
	$(BUILD)/nslab run configs/smoke.toml $(if $(JOBS),--jobs $(JOBS))
	$(BUILD)/nslab report results/smoke

# A target's line is what follows the two number signs behind it.
help:  ## this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

# $(call need,PACKAGES): installs what is missing as root, otherwise prints the command and ends with 3.
define need
	@missing=$$(for package in $(1); do \
	    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'install ok installed' || echo $$package; done); \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then \
	    echo "installing" $$missing "(no service is started)"; \
	    policy=/usr/sbin/policy-rc.d; \
	    if [ ! -e $$policy ]; then trap "rm -f $$policy" EXIT; printf '#!/bin/sh\nexit 101\n' > $$policy; chmod 755 $$policy; fi; \
	    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	  else \
	    echo "This machine lacks Debian packages. Install them, then run make again:" >&2; \
	    echo "  sudo apt-get install --no-install-recommends" $$missing >&2; \
	    exit 3; \
	  fi; \
	fi
endef

setup:  ## install the Debian packages (as root), or name those that are missing
	$(call need,$(PACKAGES))

$(BUILD)/build.ninja: | setup
	cmake -S . -B $(BUILD) -G Ninja

# What the main job needs: the tests are left out.
nslab: setup $(BUILD)/build.ninja  ## the program alone: enough for "nslab report results/reference/smoke"
	cmake --build $(BUILD) --target nslab

build: setup $(BUILD)/build.ninja  ## the program and the tests of the lab
	cmake --build $(BUILD)

# Unit tests run under the sanitizers, the rest as it is used.
unit: setup  ## the unit tests, under the sanitizers
	cmake -S . -B $(SANITIZED) -G Ninja -DCMAKE_BUILD_TYPE=Debug -DNSLAB_SANITIZE=ON
	cmake --build $(SANITIZED) --target unit_tests benches_test support_test
	ctest --test-dir $(SANITIZED) --output-on-failure -LE lab -j $$(nproc)

# The tests of the whole lab say which of them can run at the same time. ctest shows the time of each program; what
# GoogleTest says of each test is in its log, and the slowest are shown behind it.
check: unit build  ## all tests
	$(call need,$(CHECK_PACKAGES))
	@status=0; ctest --test-dir $(BUILD) --output-on-failure -L lab -j $$(nproc) || status=$$?; \
	echo "Tests of the lab by their time in ms, the slowest first:"; \
	sed -nE 's/^\[ +(OK|FAILED) +\] (.*) \(([0-9]+) ms\)$$/\3 \2 \1/p' $(BUILD)/Testing/Temporary/LastTest.log | \
	  sort -rn | awk '{ printf "%8d  %s%s\n", $$1, $$2, $$NF == "OK" ? "" : "  failed" }'; \
	exit $$status

# The runs that README and docs quote, made again. Each replaces its samples, tables and plots in results/reference, and
# then the quotes are renewed. REFERENCES="smoke depth" makes these alone. 'git diff' shows what became of the digits.
REFERENCES := first smoke conditions posted reserve-steps precise depth ids uses 2007 controls models full macro scale releases models-6-1 controls-6-1
reference: nslab  ## make all reference runs again: four to six hours on 2 cores, with the kernels cached
	$(call need,linux-source-6.1 linux-config-6.1)
	set -e; for name in $(REFERENCES); do \
	  $(BUILD)/nslab run configs/$$name.toml $(if $(JOBS),--jobs $(JOBS)); \
	  $(BUILD)/nslab export results/$$name --output results/reference/$$name; \
	  $(BUILD)/nslab report results/reference/$$name --output results/reference/$$name > /dev/null; \
	done
	$(BUILD)/nslab cite README.md docs/*.md

# Every step of the series, the page that adds a model, and on every model the lab's conformance suite and the kernel's
# selftests, plain, (-debug) under KASAN, lockdep and their like, on (-smp2) two vCPUs at once and (-smp4) on four under
# KASAN with preemption: hours, most of them kernel builds, the first time.
# What they print is kept. On the other base (-linux-6.1): plain, and of the tests of kernels those of the series.
MODEL_CHECKS := kernels cross pages conformance selftests races conformance-debug selftests-debug \
  conformance-smp2 selftests-smp2 conformance-smp4 selftests-smp4 \
  kernels-linux-6.1 conformance-linux-6.1 selftests-linux-6.1
check-models: $(MODEL_CHECKS:%=results/check-models/%.log)  ## the conformance suites on every model, plain and under KASAN and lockdep: hours

results/check-models/%.log: build
	$(call need,linux-source-6.1 linux-config-6.1 gcc-aarch64-linux-gnu gcc-powerpc64le-linux-gnu)
	@mkdir -p $(@D)
	set -o pipefail; NSLAB_ALL_MODELS=1 NSLAB_TEST_PROFILE=$(if $(filter %-debug,$*),debug,$(if $(filter %-smp4,$*),races,mini)) \
	  NSLAB_TEST_VCPUS=$(if $(filter %-smp2,$*),2,$(if $(filter %-smp4,$*),4,1)) \
	  $(if $(filter %-linux-6.1,$*),NSLAB_TEST_BASE=linux-6.1 GTEST_FILTER='Multi.*:Bare.*:Series.*:Models/*') \
	  $(BUILD)/tests/$(firstword $(subst -, ,$*))_test 2>&1 | tee $@

# docs/durability.md says what it does and what it found.
KILLS := 200
FULL_DISKS := 50
QEMUS := 20
SEED := 1
torture: setup $(BUILD)/build.ninja  ## a run that is killed, starved of disk space and robbed of QEMUs: about an hour
	cmake --build $(BUILD) --target torture
	$(BUILD)/tests/torture $(KILLS) $(FULL_DISKS) $(QEMUS) $(SEED)

# 'make check' only replays tests/fuzz/corpus, for which GCC is enough.
LIMIT := 60s
fuzz: setup  ## the parsers against made-up inputs, LIMIT=60s or LIMIT=10000 inputs for each of them; needs clang
	$(call need,$(FUZZ_PACKAGES))
	cmake -S . -B $(BUILD)-fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Debug -DNSLAB_FUZZ=ON
	cmake --build $(BUILD)-fuzz --target fuzz_targets
	tests/fuzz/run-fuzz $(BUILD)-fuzz/tests/fuzz $(LIMIT) $(SEED)

# What the harness adds to QEMU's own time, as a ratio measured side by side.
bench: build  ## what the harness adds to QEMU's own time
	$(BUILD)/tests/lab_bench

# clang-tidy cannot read GCC's precompiled headers, and wants a command for each file: it gets compile commands of its
# own.
lint: build  ## clang-format and clang-tidy
	$(call need,$(LINT_PACKAGES))
	cmake -S . -B $(BUILD)-lint -G Ninja -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DNSLAB_UNITY=OFF > /dev/null
	git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror
	git ls-files 'harness/*.cc' 'benches/*.cc' 'tests/*.cc' | xargs -P $$(nproc) -n 4 clang-tidy --quiet -p $(BUILD)-lint

format:  ## format the C++
	$(call need,$(LINT_PACKAGES))
	git ls-files '*.cc' '*.h' | xargs clang-format -i

# The program, what it needs to run, its man pages and bash completion. No kernel: those stay in the cache.
install: nslab  ## install under PREFIX (default: /usr/local), below DESTDIR
	docs/make-man-pages $(BUILD)/nslab $(BUILD)/man1
	$(BUILD)/nslab completion > $(BUILD)/nslab.bash
	DESTDIR="$(DESTDIR)" cmake --install $(BUILD) --prefix "$(PREFIX)"

clean:  ## remove the build folders; kernels stay in the cache
	rm -rf $(BUILD) $(BUILD)-lint $(BUILD)-fuzz $(SANITIZED)
