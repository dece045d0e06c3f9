# Two commands are enough on a fresh machine with Go: make run, make test.

GO ?= go
TOOLS := $(CURDIR)/.cache/bin
GOLANGCI_LINT_VERSION := v2.15.0
GOFUMPT_VERSION := v0.12.0

.PHONY: run build test unit e2e bench peers fuzz lint fmt generate check-generated model clean

## run: start the server with an embedded database on http://127.0.0.1:8920
run: build
	bin/onsight serve

## build: make bin/onsight
build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/onsight ./cmd/onsight

## test: everything that CI checks; installs what the tests need
test: check-generated unit e2e

## unit: vet and Go tests on both stores, with the race detector
unit: peers
	$(GO) vet ./...
	TEST_PEERS=1 scripts/slapd.sh run -- scripts/postgres.sh run -- $(GO) test -race -timeout 20m ./...

## peers: install what others have made and tests of Go ask: moto, oidc-provider, Python's mcp
peers:
	scripts/peers.sh

## e2e: boto3, the AWS CLI, the JavaScript and the Go SDK against the binary
e2e: build
	e2e/run.sh

## bench: side by side with moto's server and with the bare limits; prints ratios
bench: build
	scripts/bench.sh

## fuzz: each fuzz target for FUZZTIME
FUZZTIME ?= 20s
fuzz:
	scripts/fuzz.sh $(FUZZTIME)

## lint: static analysis, and the borders between packages
lint: $(TOOLS)/golangci-lint
	$(TOOLS)/golangci-lint run ./...

$(TOOLS)/golangci-lint:
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

## fmt: format all Go files
fmt:
	$(GO) run mvdan.cc/gofumpt@$(GOFUMPT_VERSION) -l -w $$(git ls-files '*.go')

## generate: types, operations and their coverage table from the contract
generate:
	$(GO) generate ./internal/qs ./internal/...api # the other generators are built with what it makes
	$(GO) generate ./...

## check-generated: what is generated is committed; a difference means that one was forgotten
check-generated:
	scripts/check-generated.sh

## model: refresh the contract from the newest botocore
model:
	$(GO) run ./internal/qsgen -refresh
	$(MAKE) generate

clean:
	rm -rf bin .cache
