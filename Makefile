# A thin front of CMake: `make` builds, `make test` tests, `make demo` shows.
BUILD ?= build
PRESET ?= release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
MODEL ?=
CONVERT ?=
MAKEFLAGS += --no-print-directory
FUZZ_SECONDS ?= 60

.PHONY: all deps configure build demo test mutants bench install fmt asan fuzz clean

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
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

# Do the tests notice a fault? 8 minutes on two cores; can be stopped.
mutants: build
	@python3 tests/mutation/run.py --build $(BUILD) --jobs $(JOBS)

bench: build
	@BUILD="$(BUILD)" sh bench/bench.sh

install: build
	@cmake --install $(BUILD) --prefix "$(PREFIX)"

fmt:
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

# All tests again under AddressSanitizer and UndefinedBehaviorSanitizer.
asan:
	@$(MAKE) test PRESET=asan BUILD=build-asan

# Each fuzz target for FUZZ_SECONDS, from the corpus in the tree.
fuzz:
	@sh tools/deps.sh fuzz
	@$(MAKE) build PRESET=fuzz BUILD=build-fuzz CMAKE_ARGS=-DTRIVIUM_TESTS=ON
	@sh tools/fuzz.sh build-fuzz $(FUZZ_SECONDS)

clean:
	@rm -rf build build-asan build-fuzz
