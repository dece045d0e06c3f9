#!/usr/bin/env bash
# Fails when a generated file is not what the contract makes of it.
set -euo pipefail
cd "$(dirname "$0")/.."
sums() { git ls-files -z '*_gen.go' '*_gen_test.go' docs/operations.md docs/capabilities.md | xargs -0 sha256sum; }
before=$(sums)
make --no-print-directory generate
if ! diff <(echo "$before") <(sums); then
	echo "check-generated: the files above were not up to date; they are now, commit them" >&2
	exit 1
fi
