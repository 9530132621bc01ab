# A thin front of CMake: `make` builds, `make test` tests, `make demo` shows.
BUILD ?= build
PRESET ?= release
JOBS ?= $(shell nproc)

.PHONY: all deps build demo test bench install fmt asan fuzz clean

all: build

deps:
	@sh tools/deps.sh

build: deps
	@cmake --preset $(PRESET) $(CMAKE_ARGS) >$(BUILD).log 2>&1 || { cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@cmake --build $(BUILD) -j $(JOBS)

test: build
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

clean:
	@rm -rf build build-asan build-fuzz
