#!/bin/sh
# A private PostgreSQL for tests: in a temporary folder, on a Unix socket, gone
# afterwards. It is found on the system, or installed with apt-get.
#
#   scripts/postgres.sh run -- go test ./...    TEST_POSTGRES is set for the command
#   scripts/postgres.sh start                   prints the folder, then the URL
#   scripts/postgres.sh stop FOLDER
#   scripts/postgres.sh crash FOLDER            ends the server, and keeps its data
#   scripts/postgres.sh resume FOLDER           starts it again
#
# A TEST_POSTGRES that is set already is used as it is by run. The server does
# not wait for the disk, unless POSTGRES_FSYNC=on (for benchmarks).
set -eu

say() { echo "postgres.sh: $*" >&2; }

# find prints the folder of the server's programs, the newest version's.
find_bin() {
	for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) \
		/opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin /usr/pgsql-*/bin; do
		if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then
			echo "$dir"
			return
		fi
	done
	if command -v initdb >/dev/null; then
		dirname "$(command -v initdb)"
	fi
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_postgres() {
	if ! command -v apt-get >/dev/null; then
		say "PostgreSQL is not installed, and there is no apt-get to install it with; set TEST_POSTGRES to a server of yours"
		exit 1
	fi
	say "installing PostgreSQL from the system's packages"
	{
		as_root apt-get update -q
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql
	} >&2
}

# The server refuses to run as root.
owner() {
	if [ "$(id -u)" != 0 ]; then
		id -un
	elif id postgres >/dev/null 2>&1; then
		echo postgres
	else
		echo nobody
	fi
}

as_owner() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && runuser -u "$(owner)" -- "$@")
	else
		"$@"
	fi
}

start() {
	bin=$(find_bin)
	if [ -z "$bin" ]; then
		install_postgres
		bin=$(find_bin)
	fi
	dir=$(mktemp -d "${TMPDIR:-/tmp}/onsight-pg.XXXXXX")
	trap 'rm -rf "$dir"' EXIT
	if [ "$(id -u)" = 0 ]; then chown "$(owner)" "$dir"; fi
	chmod 755 "$dir"
	# An order of text that is not that of bytes shows where COLLATE "C" is missing.
	initdb="$bin/initdb -D $dir/data -U postgres -A trust -E UTF8 --no-sync"
	as_owner $initdb --locale=C.UTF-8 --locale-provider=icu --icu-locale=en >"$dir/initdb.log" 2>&1 || {
		rm -rf "$dir/data"
		as_owner $initdb --locale=C >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
	}
	cat >>"$dir/data/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$dir'
		max_connections = 1000
		shared_buffers = 128MB
		max_wal_size = 2GB
		fsync = ${POSTGRES_FSYNC:-off}
		full_page_writes = ${POSTGRES_FSYNC:-off}
		autovacuum = off
		log_min_messages = fatal
	CONF
	resume "$dir"
	trap - EXIT
	url="postgres://postgres@/postgres?host=$dir"
}

ours() {
	case "$1" in
	*/onsight-pg.*) ;;
	*) say "$1 is not a folder that start made"; exit 1 ;;
	esac
}

# resume starts the server in folder $1.
resume() {
	ours "$1"
	as_owner "$(find_bin)/pg_ctl" -D "$1/data" -l "$1/server.log" -w -s start >&2 || { cat "$1/server.log" >&2; exit 1; }
}

# crash ends the server in folder $1 without a word to anyone.
crash() {
	ours "$1"
	as_owner "$(find_bin)/pg_ctl" -D "$1/data" -m immediate -s stop >&2
}

# stop ends the server in folder $1 and removes the folder.
stop() {
	crash "$1" || true
	rm -rf "$1"
}

case "${1:-}" in
run)
	shift
	if [ "${1:-}" = -- ]; then shift; fi
	if [ -n "${TEST_POSTGRES:-}" ]; then exec "$@"; fi
	start
	trap 'stop "$dir"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	TEST_POSTGRES=$url "$@"
	;;
start)
	start
	echo "$dir"
	echo "$url"
	;;
stop | crash | resume)
	"$1" "$2"
	;;
*)
	sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
