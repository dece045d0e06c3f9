#!/bin/sh
# Installs OpenLDAP's server for tests, which run it with entries as Active Directory has
# them: each starts servers of its own (internal/directory/slapdtest).
#
#   scripts/slapd.sh install                   installs slapd with apt-get, where it is not there
#   scripts/slapd.sh run -- go test ./internal/directory/
set -eu

say() { echo "slapd.sh: $*" >&2; }

install_slapd() {
	if { command -v slapd >/dev/null || [ -x /usr/sbin/slapd ]; } && command -v ldapmodify >/dev/null; then return; fi
	if ! command -v apt-get >/dev/null; then
		say "slapd (OpenLDAP) is not installed, and there is no apt-get to install it with"
		exit 1
	fi
	say "installing slapd from the system's packages"
	as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
	{
		as_root apt-get update -q
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends slapd ldap-utils
	} >&2
}

case "${1:-}" in
install)
	install_slapd
	;;
run)
	shift
	if [ "${1:-}" = -- ]; then shift; fi
	install_slapd
	exec "$@"
	;;
*)
	sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
