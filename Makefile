# SPDX-License-Identifier: Apache-2.0
# A thin front: CMake and Ninja do the work, tools/setup brings what they need.
#   make              programs in build/bin            make bench [B=name]
#   make demo         a model answers, checked         make fuzz [T=seconds]
#   make check        all tests                        make soak, make tidy
#   make install      PREFIX=/usr/local, DESTDIR        make deb: Debian packages in build/deb
#   make static       build/static/aver: the program aver alone, without a shared library

BUILD  ?= build
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)
T      ?= 60
B      ?=

export AVER_BUILD := $(abspath $(BUILD))
NINJA = cmake --build $(BUILD) -j$(JOBS)

.PHONY: all build deps demo check bench fuzz soak installed install deb static tidy clean

all: deps build

deps:
	@tools/setup --deps

build:
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@$(NINJA)

# AVER_MODEL=file.gguf: that model, no download of another.
demo: deps
	@test -n "$(AVER_MODEL)" || tools/setup --models --no-apt
	@$(MAKE) --no-print-directory build
	@AVER_MODEL="$$(tools/setup --print-model)" $(BUILD)/bin/aver demo

check: deps
	@tools/setup --models --no-apt --no-chat-model
	@tools/setup --clients
	@$(MAKE) --no-print-directory build
	@tools/check $(BUILD)

bench: deps
	@tools/setup --models --no-apt --no-chat-model
	@tools/setup --bench --no-apt
	@$(MAKE) --no-print-directory build
	@tools/bench $(BUILD) $(B)

fuzz:
	@tools/setup --deps --clang
	@tools/fuzz $(T)

# First under AddressSanitizer, then as it is shipped.
soak: deps
	@tools/setup --models --no-apt --no-chat-model
	@cmake --preset asan >/dev/null && cmake --build build-asan -j$(JOBS)
	@ctest --test-dir build-asan -C soak -L soak --verbose --no-tests=error
	@$(MAKE) --no-print-directory build
	@ctest --test-dir $(BUILD) -C soak -L soak --verbose --no-tests=error

installed: deps
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@$(NINJA) --target installed

install: installed
	@cmake --install $(BUILD) --prefix $(PREFIX)

deb: installed
	@tools/deb $(BUILD) $(BUILD)/deb

static:
	@tools/setup --deps --static
	@cmake -S . -B $(BUILD)/static-tree -G Ninja -DCMAKE_BUILD_TYPE=Release -DAVER_STATIC=ON >/dev/null
	@cmake --build $(BUILD)/static-tree -j$(JOBS) --target aver
	@mkdir -p $(BUILD)/static && strip -o $(BUILD)/static/aver $(BUILD)/static-tree/bin/aver

tidy:
	@tools/tidy .
	@tools/clang-tidy

clean:
	rm -rf build build-debug build-asan build-tsan build-fuzz build-analyze build-tidy
