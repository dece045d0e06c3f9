#!/usr/bin/env bash
# Starts the OpenID Connect provider of the tests; installs it at the first run,
# in the pinned versions; with the word install it does no more. It prints
# "ready on URL" and runs until it is ended.
set -euo pipefail
cd "$(dirname "$0")"
if ! cmp -s package-lock.json node_modules/installed.json; then
	npm ci --no-audit --no-fund --loglevel=error >&2
	cp package-lock.json node_modules/installed.json
fi
[ "${1:-}" = install ] || exec node provider.mjs
