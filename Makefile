# SPDX-License-Identifier: Apache-2.0
# The front door. The build itself is CMake's: see CMakePresets.json.
.PHONY: help run test build check bench clean
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

help:
	@echo "make run     the stock day on this machine: simulator, shipper, pipelines, engine, console"
	@echo "make test    every test: unit, sanitizers, console, end to end"
	@echo "make build   the release program: build/release/naru"
	@echo "make check   format, layers, tidy"
	@echo "make bench   the benchmarks"
	@echo "make clean   removes what was built"

run: build
	@exec build/release/naru demo

test:
	@tools/install test
	@tools/test

build:
	@tools/install build
	@tools/web || echo "The console was not built (see above): naru works without it, and says so at its port." >&2
	@tools/build release

check:
	@tools/format --check
	@tools/layers
	@tools/tidy

bench: build
	@tools/bench

clean:
	rm -rf build web/dist
