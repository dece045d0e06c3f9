#!/usr/bin/env bash
# Runs the official clients against bin/onsight: boto3 and the AWS CLI, the
# JavaScript SDK, the Go SDK; and its pages in Chromium, alone and embedded. Each suite starts servers of its own on loopback
# ports, with data folders that are gone afterwards.
#
#   e2e/run.sh              all of them
#   e2e/run.sh python js    some of them
#
# ONSIGHT_BIN names another binary. What the suites need is installed under
# .cache and e2e/js/node_modules at the first run, in the pinned versions.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cache=$root/.cache/e2e
export ONSIGHT_BIN=${ONSIGHT_BIN:-$root/bin/onsight}

say() { printf '\n== %s\n' "$*"; }

# need COMMAND WHAT-FOR: a sentence instead of "command not found".
need() {
	command -v "$1" >/dev/null || { echo "e2e: $2 needs $1, which is not installed" >&2; return 1; }
}

run_python() {
	need python3 "the Python suite"
	local venv=$cache/venv lock=$root/e2e/python/requirements.txt
	if ! cmp -s "$lock" "$venv/installed.txt"; then
		rm -rf "$venv"
		python3 -m venv "$venv"
		"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$lock"
		cp "$lock" "$venv/installed.txt"
	fi
	"$venv/bin/pip" list --format=freeze 2>/dev/null | grep -E '^(boto3|awscli)=='
	(cd "$root/e2e/python" && PYTHONDONTWRITEBYTECODE=1 "$venv/bin/pytest" -p no:cacheprovider)
}

run_js() {
	need node "the JavaScript suite" && need npm "the JavaScript suite"
	cd "$root/e2e/js"
	if ! cmp -s package-lock.json node_modules/installed.json; then
		npm ci --no-audit --no-fund --loglevel=error
		cp package-lock.json node_modules/installed.json
	fi
	node -p '"@aws-sdk/client-quicksight " + require("@aws-sdk/client-quicksight/package.json").version'
	NODE_NO_WARNINGS=1 npm test --silent
}

run_browser() {
	need node "the browser suite" && need npm "the browser suite"
	export CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
	if [ ! -x "$CHROMIUM" ]; then
		[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
			{ echo "e2e: the browser suite needs Chromium: install it, or name it with CHROMIUM" >&2; return 1; }
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
	fi
	cd "$root/e2e/browser"
	if ! cmp -s package-lock.json node_modules/installed.json; then
		npm ci --no-audit --no-fund --loglevel=error
		cp package-lock.json node_modules/installed.json
	fi
	"$root/scripts/slapd.sh" install
	"$CHROMIUM" --version 2>/dev/null
	node --test --test-concurrency=1 --test-timeout=180000 ./*.test.mjs
}

run_go() {
	need go "the Go suite"
	cd "$root/e2e/go"
	go list -m github.com/aws/aws-sdk-go-v2/service/quicksight
	go test -count=1 ./...
}

[ -x "$ONSIGHT_BIN" ] || make -C "$root" build
mkdir -p "$cache"
summary=() failed=0
for suite in "${@:-python js go browser}"; do
	for name in $suite; do
		case $name in
		python | js | go | browser) ;;
		*)
			echo "e2e: there is no suite $name; choose from python, js, go and browser" >&2
			exit 2
			;;
		esac
		say "$name"
		# Not in an if: set -e must hold inside.
		set +e
		(
			set -e
			"run_$name"
		)
		status=$?
		set -e
		if [ $status -eq 0 ]; then summary+=("$name passed"); else summary+=("$name FAILED") failed=1; fi
	done
done
say "e2e: $(IFS=,; echo "${summary[*]}" | sed 's/,/, /g')"
exit $failed
