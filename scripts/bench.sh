#!/usr/bin/env bash
# Runs the benchmark against moto's server, which it fetches from PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.cache/bench-venv
scripts/peers.sh moto
go build -trimpath -o .cache/bench ./internal/bench
exec .cache/bench -onsight bin/onsight -moto "$venv/bin/moto_server" "$@"
