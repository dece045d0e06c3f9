#!/usr/bin/env bash
# Installs what others have made and tests of Go ask, in pinned versions: moto
# (AWS), Python's mcp (a server of tools), oidc-provider (OAuth).
#
#   scripts/peers.sh            all of them
#   scripts/peers.sh moto       one of them
set -euo pipefail
cd "$(dirname "$0")/.."

# venv NAME PACKAGE: a Python of its own with a package.
venv() {
	local at=.cache/$1-venv
	if [ "$(cat "$at/installed.txt" 2>/dev/null)" != "$2" ]; then
		rm -rf "$at"
		python3 -m venv "$at"
		"$at/bin/pip" install --quiet --disable-pip-version-check "$2"
		echo "$2" >"$at/installed.txt"
	fi
}

mkdir -p .cache
for peer in "${@:-moto mcp oidc}"; do
	for name in $peer; do
		case $name in
		moto) venv bench 'moto[server]==5.2.5' ;;
		mcp) venv mcp 'mcp==2.3.0' ;;
		oidc) e2e/oidc/start.sh install ;;
		*)
			echo "peers.sh: there is no $name; choose from moto, mcp and oidc" >&2
			exit 2
			;;
		esac
	done
done
