#!/usr/bin/env bash
# Runs every fuzz target of the module for the time given (default 20s each).
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-20s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target"
		if go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" >"$log" 2>&1; then
			tail -n 1 "$log"
			continue
		fi
		# Go's fuzzer at times takes the end of its time for a failure; it has
		# no failing input to show then.
		if grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input' "$log"; then
			echo "ended by its time"
			continue
		fi
		cat "$log"
		exit 1
	done
done
