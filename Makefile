# A thin front of CMake: `make` builds, `make test` tests, `make demo` shows.
BUILD ?= build
PRESET ?= release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
MODEL ?=
CONVERT ?=
# A regular expression of the tests to run, for test, clang and asan; empty: all
TESTS ?=
FUZZ_SECONDS ?= 60
MAKEFLAGS += --no-print-directory

.PHONY: all deps configure build demo test mutants bench install fmt clang asan \
	fuzz clean

all: deps configure
	@cmake --build $(BUILD) -j $(JOBS) --target trivium_cli
	@echo "built $(BUILD)/trivium"

deps:
	@sh tools/deps.sh

configure: deps
	@cmake --preset $(PRESET) $(CMAKE_ARGS) >$(BUILD).log 2>&1 || { cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

build: deps configure
	@cmake --build $(BUILD) -j $(JOBS)

# The whole walk on models/nano, or on a model of yours:
# make demo MODEL=path/to/model
demo: all
	@MODEL="$(MODEL)" CONVERT="$(CONVERT)" TRIVIUM="$(BUILD)/trivium" sh tools/demo.sh

test: build
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error \
		-j $(JOBS) $(if $(TESTS),-R '$(TESTS)')

# Do the tests notice a fault? 8 minutes on two cores; can be stopped.
mutants: build
	@python3 tests/mutation/run.py --build $(BUILD) --jobs $(JOBS)

bench: build
	@BUILD="$(BUILD)" sh bench/bench.sh

install: build
	@cmake --install $(BUILD) --prefix "$(PREFIX)"

fmt:
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

# All again by clang, whose warnings are errors.
clang:
	@sh tools/deps.sh clang
	@$(MAKE) test PRESET=clang BUILD=build-clang

# All tests again under AddressSanitizer and UndefinedBehaviorSanitizer.
asan:
	@$(MAKE) test PRESET=asan BUILD=build-asan

# Each fuzz target for FUZZ_SECONDS, from the corpus in the tree.
fuzz:
	@sh tools/deps.sh clang
	@$(MAKE) configure PRESET=fuzz BUILD=build-fuzz
	@cmake --build build-fuzz -j $(JOBS) --target fuzz_targets
	@FUZZ_SECONDS=$(FUZZ_SECONDS) ctest --test-dir build-fuzz -R '^fuzz_' \
		--output-on-failure --no-tests=error -j $(JOBS) \
		--timeout $$(($(FUZZ_SECONDS) + 600))

clean:
	@rm -rf build build-clang build-asan build-fuzz
