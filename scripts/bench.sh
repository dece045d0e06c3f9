#!/usr/bin/env bash
# Runs the benchmark against moto's server, which it fetches from PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.cache/bench-venv
if [ ! -x "$venv/bin/moto_server" ]; then
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet 'moto[server]==5.2.5'
fi
go build -trimpath -o .cache/bench ./internal/bench
exec .cache/bench -onsight bin/onsight -moto "$venv/bin/moto_server" "$@"
