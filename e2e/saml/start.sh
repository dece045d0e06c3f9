#!/usr/bin/env bash
# Starts the SAML identity provider of the tests; installs it at the first run,
# in the pinned versions. It prints "ready on URL" and runs until it is ended.
set -euo pipefail
cd "$(dirname "$0")"
if ! cmp -s package-lock.json node_modules/installed.json; then
	npm ci --no-audit --no-fund --loglevel=error >&2
	cp package-lock.json node_modules/installed.json
fi
exec node --no-deprecation provider.mjs
