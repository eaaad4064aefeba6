#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs the Debian packages that are missing; says and does nothing when none is.
#
# usage: scripts/deps.sh [run|all]
#   run   what the demo needs: compiler, DPDK, socat, network tools
#   all   also what the tests need: clang, the other end of every tunnel test (default)
set -eu

run_packages='build-essential meson ninja-build pkg-config libdpdk-dev libjansson-dev libnuma-dev
	libedit-dev iproute2 procps socat tcpdump libcmocka-dev'
test_packages='clang-14 clang-format-14 libclang-rt-14-dev codespell ethtool git iperf iputils-ping
	nftables openvswitch-switch python3 python3-scapy'

case "${1:-all}" in
run) wanted=$run_packages ;;
all) wanted="$run_packages $test_packages" ;;
*)
	sed -n '3,7s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac

missing=
for package in $wanted; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "error: missing packages:$missing" >&2
	echo "  fix: sudo apt-get install$missing" >&2
	exit 1
fi

# Packages with daemons must not start them: the tests run their own, in their own directories.
guard=/usr/sbin/policy-rc.d
log=$(mktemp)
made_guard=
clean_up()
{
	rm -f "$log"
	[ -z "$made_guard" ] || rm -f "$guard"
}
trap clean_up EXIT
if [ ! -e "$guard" ]; then
	printf '#!/bin/sh\nexit 101\n' > "$guard"
	chmod 755 "$guard"
	made_guard=1
fi

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
install()
{
	# shellcheck disable=SC2086 # a list of words
	apt-get install -y -qq --no-install-recommends $missing < /dev/null > "$log" 2>&1
}

# The package lists may be absent or too old; fetch them only then.
if ! install; then
	if ! apt-get update -qq > "$log" 2>&1 || ! install; then
		cat "$log" >&2
		echo "error: apt-get cannot install:$missing" >&2
		echo "  fix: apt-get update && apt-get install$missing" >&2
		exit 1
	fi
fi
