# The two that matter: `make run` lists this host, `make test` proves the tree.

SHELL     := /bin/bash
GO        ?= go
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PREFIX    ?= /usr/local
FUZZTIME  ?= 10s
SCENARIO  ?= S0,S1
ROUNDS    ?= 21
DATA      ?= ../shared/data
ARGS      ?=
BIN       := bin/whatslistening
TOOLS     := internal/tools
SYSTEMS   := linux darwin windows freebsd openbsd
MACHINES  := 386 arm arm64 s390x

export GOTOOLCHAIN := local

.PHONY: build run test race lint fuzz bench golden generate check-generate cross cover install clean help browser

build: ## build bin/whatslistening, static and stripped
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./cmd/whatslistening

run: build ## list what is listening here (ARGS='--exposed' narrows it)
	@$(BIN) $(ARGS)

test: lint cross check-generate race browser fuzz ## everything that has to pass: what CI runs

race: export GORACE = atexit_sleep_ms=20
race: ## the tests alone, with the race detector
	$(GO) test -race -timeout 20m ./...

# The pages of HTML in headless Chromium: in a module of its own, as is what
# drives the browser.
browser:
	cd internal/browser && $(GO) vet . && $(GO) test -timeout 10m .

lint: ## gofumpt, go vet, staticcheck
	cd $(TOOLS) && $(GO) build -o ../../bin/ honnef.co/go/tools/cmd/staticcheck mvdan.cc/gofumpt
	@out=$$(bin/gofumpt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "not gofumpt-clean:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	bin/staticcheck ./...

# A fuzz run can end in "context deadline exceeded" with nothing found: its time
# ran out while a worker was being asked (golang/go#75804). It is run again then.
fuzz: ## each fuzz target for FUZZTIME (10s)
	@mkdir -p bin; set -e; for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "fuzz $$p $$f"; for try in 1 2 3; do \
	      if $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p >bin/fuzz.out 2>&1; then continue 2; fi; \
	      grep -q '^    context deadline exceeded$$' bin/fuzz.out && ! grep -q 'Failing input' bin/fuzz.out || break; \
	    done; cat bin/fuzz.out; exit 1; \
	  done; done

bench: ## time it beside ss, lsof, netstat and gopsutil (SCENARIO=S0,S1; root)
	$(GO) run ./bench -scenario $(SCENARIO) -rounds $(ROUNDS)

golden: ## rewrite the golden files from what is printed now
	$(GO) test ./report -update
	$(GO) test ./audit -update
	$(GO) test ./cmd/whatslistening -update

generate: ## rebuild the registry table, the JSON Schema and docs/rules.md (DATA=folder of iana/ and appendix/)
	$(GO) run ./portdb/internal/gen -data $(DATA)
	$(GO) generate ./report ./audit

check-generate: ## fail when a generated file is stale
	@if [ -d $(DATA) ]; then $(GO) run ./portdb/internal/gen -check -data $(DATA); \
	else echo "check-generate: $(DATA) is not there: the registry table was not compared with its sources"; fi

cross: ## vet for every system that it builds on, and for other machines with Linux
	@set -e; for s in $(SYSTEMS); do echo "vet $$s"; GOOS=$$s CGO_ENABLED=0 $(GO) vet ./...; done
	@set -e; for a in $(MACHINES); do echo "vet linux/$$a"; GOOS=linux GOARCH=$$a CGO_ENABLED=0 $(GO) vet ./...; done

cover: ## test coverage, by function, in bin/cover.txt
	@mkdir -p bin
	$(GO) test -coverprofile=bin/cover.out -coverpkg=./portdb,./scanner,./annotate,./report,./cmd/... ./...
	@$(GO) tool cover -func=bin/cover.out >bin/cover.txt; tail -1 bin/cover.txt

install: build ## install into PREFIX/bin (/usr/local)
	install -D -m 0755 $(BIN) $(DESTDIR)$(PREFIX)/bin/whatslistening

clean: ## remove what was built
	rm -rf bin

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
