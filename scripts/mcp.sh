#!/bin/sh
# Installs what the tests of connectors to MCP servers need: Python's mcp.
set -eu
cd "$(dirname "$0")/.."
venv=.cache/mcp-venv
if [ ! -x "$venv/bin/uvicorn" ]; then
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check 'mcp==2.3.0'
fi
