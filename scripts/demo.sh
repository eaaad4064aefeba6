#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The main job in front of your eyes: one sender, three receivers, a second site behind a tunnel.
# Needs a root shell, nothing else. Uses network namespaces of its own and removes them again.
#
# usage: scripts/demo.sh [--keep]      --keep: leave everything running until Enter is pressed
set -u

top=$(cd "$(dirname "$0")/.." && pwd)
keep=
case "${1:-}" in
'') ;;
--keep) keep=1 ;;
*)
	sed -n '3,7s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac

group=225.0.0.11
hello='hello, multicast!'
id=mcr$$                # namespaces are called $id-src, $id-rx1 ...
run=                    # directory of this run
pids=()                 # what we started, newest last
spaces=()

if [ -t 1 ]; then
	bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
	bold='' dim='' green='' red='' plain=''
fi

say()  { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '  %s\n' "$*"; }
die()
{
	printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
	exit 1
}

# Ends what we started, by pid and newest first, and takes the namespaces away.
clean_up()
{
	trap '' INT TERM
	local i
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
		kill "${pids[i]}" 2>/dev/null
	done
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
		wait "${pids[i]}" 2>/dev/null
	done
	for i in "${spaces[@]}"; do
		ip netns del "$i" 2>/dev/null
	done
	[ -z "$run" ] || rm -rf "$run"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for()
{
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || { show_logs; die "$what did not happen"; }
		sleep 0.05
	done
}

show_logs()
{
	local f
	for f in "$run"/*.log; do
		[ -s "$f" ] || continue
		printf '%s--- %s%s\n' "$dim" "${f##*/}" "$plain" >&2
		tail -n 20 "$f" >&2
	done
}

in_ns() { local ns=$id-$1; shift; ip netns exec "$ns" "$@"; }
demo()  { "$bin/mcrctl" -s "$run/demo.sock" "$@"; }
far()   { "$bin/mcrctl" -s "$run/far.sock" "$@"; }

# start_mcrd NAME CONFIG: the sample configuration, with this run's namespaces.
start_mcrd()
{
	sed "s/netns mcr-/netns $id-/" "$top/config/$2" > "$run/$1.conf"
	"$bin/mcrd" -c "$run/$1.conf" -s "$run/$1.sock" > "$run/$1.log" 2>&1 &
	pids+=($!)
	wait_for 20 "start of mcrd ($1)" is_up "$1" $!
}

is_up()
{
	kill -0 "$2" 2>/dev/null || { show_logs; die "mcrd ($1) ended at start"; }
	"$bin/mcrctl" -s "$run/$1.sock" wait 1 > /dev/null 2>&1
}

has_iface() { in_ns "$1" ip link show "$2" > /dev/null 2>&1; }

# host NAME ADDRESS: an ordinary computer on its port.
host()
{
	wait_for 10 "port of $1" has_iface "$1" eth0
	in_ns "$1" ip addr add "$2/24" dev eth0
	in_ns "$1" ip link set eth0 up
	in_ns "$1" ip route add 224.0.0.0/4 dev eth0
}

# receive NAME PORT GROUP: the very command you would type; what it prints goes to a file.
receive()
{
	ip netns exec "$id-$1" socat UDP4-RECVFROM:"$2",ip-add-membership="$3":0.0.0.0,fork - \
		< /dev/null > "$run/$1-$3.txt" 2> "$run/$1-$3.log" &
	pids+=($!)
	[ "$3" != "$group" ] || receiver[$1]=$!
}

members() { # ours, of the group: as many as expected?
	[ "$(demo show subscriber list "$group" 2>/dev/null | grep -c "^$group ")" = "$1" ]
}

got() # NAME TEXT: how many copies of it arrived there?
{
	grep -cxF "$2" "$run/$1-$group.txt"
}

all_got() # TEXT NAME...
{
	local text=$1 n
	shift
	for n in "$@"; do
		[ "$(got "$n" "$text")" -ge 1 ] || return 1
	done
}

send()
{
	in_ns src sh -c "echo '$1' | socat -u - UDP4-DATAGRAM:$group:6666"
}

indent() { sed 's/^/    /'; }

[ "$(id -u)" = 0 ] || die "network namespaces need root: run this in a root shell"
declare -A receiver
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
run=$(mktemp -d /tmp/mcr-demo.XXXXXX) || exit 1

say "1. Packages and build"
"$top/scripts/deps.sh" > "$run/deps.log" 2>&1 || { show_logs; die "packages are missing"; }
build=${MCR_BUILD:-$top/build}
if [ ! -f "$build/build.ninja" ]; then
	meson setup "$build" "$top" > "$run/meson.log" 2>&1 || { show_logs; die "meson failed"; }
fi
ninja -C "$build" app/mcrd app/mcrctl > "$run/ninja.log" 2>&1 || { show_logs; die "the build failed"; }
bin=$build/app
note "$("$bin/mcrd" -V | head -n 1)"

say "2. A sender, three receivers, and a second site"
for n in src rx1 rx2 rx3 net far; do
	ip netns add "$id-$n" || die "cannot make a network namespace"
	spaces+=("$id-$n")
	in_ns "$n" sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
done
in_ns net ip link add wire type bridge mcast_snooping 0
in_ns net ip link set wire up
start_mcrd demo demo.conf
start_mcrd far demo-far.conf
for n in demo far; do
	wait_for 10 "uplink of $n" has_iface net "$n"
	in_ns net ip link set "$n" master wire up
done
host src 10.99.0.1
host rx1 10.99.0.11
host rx2 10.99.0.12
host rx3 10.99.0.13
host far 10.99.0.21
cat <<END
  src ---+                +--- rx1
         +-- mcrd "demo" -+--- rx2
                |         +--- rx3
              VXLAN
                |
          mcrd "far" --------- far        each name is a network namespace ($id-NAME)
END

say "3. They join $group with socat"
note "socat UDP4-RECVFROM:6666,ip-add-membership=$group:0.0.0.0,fork -"
for n in rx1 rx2 rx3 far; do
	receive "$n" 6666 "$group"
done
receive rx1 6667 239.1.1.1
receive rx3 6667 239.1.1.1
wait_for 15 "the four memberships" members 4
note "mcrctl show group list"
demo show group list | indent
note "mcrctl show subscriber list all"
demo show subscriber list all | indent

say "4. The sender says it once"
note "echo \"$hello\" | socat -u - UDP4-DATAGRAM:$group:6666"
send "$hello"
wait_for 5 "four copies" all_got "$hello" rx1 rx2 rx3 far

say "5. rx2 leaves, the sender speaks again"
kill "${receiver[rx2]}"
wait_for 10 "the leave of rx2" members 3
send 'rx2 has left'
wait_for 5 "three copies" all_got 'rx2 has left' rx1 rx3 far

say "Who received what"
failed=0
printf '  %-6s %-34s %s\n' '' "\"$hello\"" '"rx2 has left"'
for n in rx1 rx2 rx3 far; do
	first=$(got "$n" "$hello")
	second=$(got "$n" 'rx2 has left')
	want=1
	[ "$n" = rx2 ] && want=0
	verdict="${green}as it should be$plain"
	if [ "$first" != 1 ] || [ "$second" != "$want" ]; then
		verdict="${red}expected 1 and $want$plain"
		failed=1
	fi
	printf '  %-6s %-34s %-18s %s\n' "$n" "$first" "$second" "$verdict"
done

say "What mcrd counted"
note "mcrctl show groups"
demo show groups | indent
note "mcrctl show peers"
demo show peers | indent
note "mcrctl show ports"
demo show ports | indent

say "How to go on"
if [ -n "$keep" ]; then
	cat <<END
  Everything keeps running until you press Enter. In another root shell:
    # the console; try "help", "show status", "show drops"
    $bin/mcrctl -s $run/demo.sock
    # the copies of one receiver, and the tunnel
    ip netns exec $id-rx1 tcpdump -ni eth0
    ip netns exec $id-net tcpdump -ni wire udp port 4789
    # say something yourself; the receivers write to files
    ip netns exec $id-src sh -c 'echo hi | socat -u - UDP4-DATAGRAM:$group:6666'
    tail $run/*-$group.txt
    # what the two daemons log
    tail -f $run/demo.log $run/far.log
END
	[ "$failed" = 0 ] || note "${red}the result was not as expected$plain"
	read -r _
else
	cat <<END
  scripts/demo.sh --keep    the same, and it stays: for experiments with mcrctl and tcpdump
  scripts/test.sh           all tests
  config/                   configurations to begin with; README.md tells how to use real NICs
END
fi
if [ "$failed" != 0 ]; then
	die "not every receiver got exactly one copy"
fi
note "${green}done in $SECONDS s$plain"
