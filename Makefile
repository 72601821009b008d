# ngx_http_token_module: `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# nginx lives in sbin, which is not on every user's path
export PATH := $(PATH):/usr/sbin:/sbin

BUILD := $(CURDIR)/build
MODULE := $(BUILD)/ngx_http_token_module.so
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
MODULES_PATH ?= /usr/lib/nginx/modules
MODULES_CONF ?= /usr/share/nginx/modules-available
DESTDIR ?=

# make run
PORT ?= 8080
WORKERS ?= 2
BACKEND_PORT ?= 9090
EXAMPLE ?= tutorial
STORE ?= $(BUILD)/store$(if $(filter-out tutorial,$(EXAMPLE)),-$(EXAMPLE))

# nginx's source for static builds; empty: the distribution's, fetched
NGX_SRC ?= $(NGINX_SRC)

# seconds for each fuzz target and for the faults (make faults SECONDS=600);
# tests at a time
FUZZ_TIME ?= $(or $(SECONDS),30)
FAULTS_TIME ?= $(or $(SECONDS),45)
PROVE_JOBS ?= 4

# every compiler warning is an error, in all of our C
WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wvla -Wimplicit-fallthrough -Wnull-dereference -Wcast-align -Werror
# and in the folders that are free of nginx
STRICT := -std=c99 -Wconversion -Wsign-conversion

export BUILD MODULE JOBS WARNINGS STRICT NGX_SRC FUZZ_TIME \
	FAULTS_TIME PROVE_JOBS

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: help build run test check unit tsan perl valgrind storm js package size browser shots asan \
	test-1.26 static cover fuzz faults catches bench bench-test install clean

help: ## Show this list
	@sed -nE 's/^([a-z0-9.-]+):.*## (.*)/\1\t\2/p' $(firstword \
	    $(MAKEFILE_LIST)) | while IFS=$$'\t' read -r target text; do \
	        printf '  %-10s %s\n' "$$target" "$$text"; done

build: ## Set up, and build the module for the distribution's nginx (default)
	@tools/setup.sh build
	@tools/build-module.sh

run: build ## Serve the tutorial, or EXAMPLE=chat or shop (PORT, WORKERS, STORE)
	@EXAMPLE='$(EXAMPLE)' PORT='$(PORT)' WORKERS='$(WORKERS)' STORE='$(STORE)' \
	    BACKEND_PORT='$(BACKEND_PORT)' exec tools/run.sh

test: ## Set up, build, and run every test
	@tools/test.sh

check: ## Static analysis: warnings, cppcheck, style, types; hot paths
	@tools/setup.sh check
	@tools/check.sh

unit: ## Unit tests of the folders that are free of nginx (with sanitizers)
	@tools/setup.sh test
	@tools/unit.sh

perl: build ## Tests of the module in nginx; TESTS="t/token.t ..." picks some
	@tools/setup.sh test
	@tools/prove.sh module $(TESTS)

tsan: ## Unit tests of what has threads, with the thread sanitizer
	@tools/setup.sh test
	@tools/unit.sh tsan

valgrind: build ## A long life of nginx under valgrind
	@tools/setup.sh test
	@tools/valgrind.sh

storm: build ## 20,000 handshakes and drops, 50 reloads under load
	@tools/setup.sh test
	@TOKEN_STORM=full tools/prove.sh module --verbose t/storm.t

js: ## Tests of the JavaScript client
	@tools/setup.sh test
	@tools/js.sh

browser: build ## Tests of the pages in a browser
	@tools/setup.sh test
	@tools/browser.sh

package: ## The client for npm, with its types: build/*.tgz
	@tools/setup.sh test
	@. tools/npm.sh; tools/package.sh

size: ## What a page loads of the client, in bytes
	@tools/setup.sh test
	@. tools/npm.sh; node t/size.mjs

shots: build ## Screenshots of every page, in each look: build/shots
	@tools/setup.sh test
	@. tools/npm.sh; cd t; TOKEN_MODULE='$(MODULE)' node browser/screenshots.mjs

static: ## Build a static nginx with the module (NGINX_SRC=DIR: another nginx)
	@tools/setup.sh test
	@tools/build-static.sh plain

asan: ## The nginx tests on a static build with sanitizers; TESTS as above
	@tools/setup.sh test
	@tools/build-static.sh asan
	@tools/prove.sh asan $(TESTS)

test-1.26: ## The nginx tests on nginx 1.26, with sanitizers; TESTS as above
	@tools/setup.sh test
	@src=$$(tools/nginx-source.sh trixie); export NGX_SRC="$$src"; \
	    tools/build-static.sh asan; tools/prove.sh asan $(TESTS)

cover: ## Coverage of unit and nginx tests, and its marks: build/cover-report
	@tools/setup.sh cover
	@tools/cover.sh

fuzz: ## Fuzz each parser for FUZZ_TIME seconds (default 30)
	@tools/setup.sh test
	@tools/fuzz.sh

faults: build ## Random commands under kill -9, reloads and cuts (SECONDS, SEED)
	@tools/setup.sh test
	@SEED='$(SEED)' tools/faults.sh

catches: build ## The fault checker notices modules that break a guarantee
	@tools/setup.sh test
	@tools/faults.sh catches

bench: build ## Measure beside other servers (ONLY=fanout,echo,tokens,idle,...)
	@tools/setup.sh bench
	@ONLY='$(ONLY)' exec tools/bench.sh

bench-test: build ## Ctrl-C ends all that make bench has started
	@tools/setup.sh test
	@tools/bench.sh test

install: build ## Install the module where nginx looks for it (DESTDIR)
	install -d "$(DESTDIR)$(MODULES_PATH)" "$(DESTDIR)$(MODULES_CONF)"
	install -m 644 "$(MODULE)" "$(DESTDIR)$(MODULES_PATH)/"
	echo "load_module modules/ngx_http_token_module.so;" \
	    > "$(DESTDIR)$(MODULES_CONF)/mod-http-token.conf"

clean: ## Remove everything that was built
	rm -rf -- "$(BUILD)"
