#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# All tests, from a root shell of a fresh Debian 12. The last line is "N passed, N failed, N skipped";
# the exit status is 1 when a test failed. docs/testing.md tells what the legs are.
#
# usage: scripts/test.sh [LEG...]     legs: gcc lint system asan clang tsan fuzz (default: all)
#
# MCR_SEED=N repeats the random numbers of an earlier run, MCR_FUZZ_SECONDS=N is the time of each fuzz
# target (default 5).
set -u
cd "$(dirname "$0")/.." || exit 1
top=$PWD
legs=$*
fuzz_seconds=${MCR_FUZZ_SECONDS:-5}
all_legs='gcc lint system asan clang tsan fuzz'

for leg in $legs; do
	case " $all_legs " in
	*" $leg "*) ;;
	*)
		sed -n '3,9s/^# \{0,1\}//p' "$0"
		exit 2
		;;
	esac
done

tmp=$(mktemp -d /tmp/mcr-test.XXXXXX) || exit 1
trap 'rm -rf "$tmp"' EXIT
totals=$tmp/totals
: > "$totals"

head_line() { printf '\n== %s ==\n' "$*"; }
count()     { grep -c "^$1 " "$totals"; }

# record RESULT NAME [WHY]
record()
{
	printf '%s %s\n' "$1" "$2${3:+: $3}" >> "$totals"
	printf '  %s %s%s\n' "$1" "$2" "${3:+: $3}"
}

# Lines "PASS name", "FAIL name: why", "SKIP name: why" of a leg's own runner count; its sum does not.
collect() # LEG
{
	local leg=$1 line
	while IFS= read -r line; do
		case $line in
		'PASS '* | 'FAIL '* | 'SKIP '*)
			printf '%s %s/%s\n' "${line%% *}" "$leg" "${line#* }" >> "$totals"
			printf '  %s\n' "$line"
			;;
		*' passed, '*' failed, '*' skipped') ;;
		*) printf '  %s\n' "$line" ;;
		esac
	done
}

# build DIRECTORY COMPILER MESON-OPTION... [-- TARGET...]: a failed build is a failed test.
build()
{
	local dir=$1 compiler=$2 options=() targets=()
	shift 2
	while [ $# -gt 0 ]; do
		if [ "$1" = -- ]; then
			shift
			targets=("$@")
			break
		fi
		options+=("$1")
		shift
	done
	if command -v ccache > /dev/null 2>&1; then
		compiler="ccache $compiler"
	fi
	# A directory of an earlier run serves if it was made in the same way; ninja does the rest.
	local made="$compiler ${options[*]}"
	if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/made" 2> /dev/null)" != "$made" ]; then
		rm -rf "$dir"
		if ! CC=$compiler meson setup "$dir" --werror "${options[@]}" > "$tmp/setup.log" 2>&1; then
			tail -n 30 "$tmp/setup.log"
			record FAIL "build/${dir#build-}" 'meson setup'
			return 1
		fi
		printf '%s\n' "$made" > "$dir/made"
	fi
	if [ "${targets[0]:-}" = unit ]; then
		mapfile -t targets < <(ninja -C "$dir" -t targets all |
			sed -n 's/^\(tests\/unit\/test_[a-z0-9_]*\): .*/\1/p')
	fi
	if ! ninja -C "$dir" "${targets[@]}" > "$tmp/build.log" 2>&1; then
		grep -E -A 12 'FAILED|error|warning' "$tmp/build.log" | head -n 60
		record FAIL "build/${dir#build-}" 'does not compile'
		return 1
	fi
	record PASS "build/${dir#build-}"
}

# run_meson LEG DIRECTORY SUITE...: unit and functional tests, counted case by case.
run_meson()
{
	local leg=$1 dir=$2 suites=()
	shift 2
	for suite in "$@"; do
		suites+=(--suite "$suite")
	done
	rm -f "$dir/meson-logs/testlog.json"
	# Its own verdict is not used: it takes cmocka's skips for failures. report.py reads each case.
	$wrapper meson test -C "$dir" --no-rebuild --timeout-multiplier 3 "${suites[@]}" \
		> "$tmp/meson-test.log" 2>&1
	if [ ! -s "$dir/meson-logs/testlog.json" ]; then
		tail -n 30 "$tmp/meson-test.log"
		record FAIL "$leg" 'meson ran no test'
		return
	fi
	/usr/bin/python3 tests/report.py "$leg" "$dir/meson-logs/testlog.json" "$totals"
}
wrapper=

leg_gcc()
{
	build build-gcc gcc && run_meson gcc build-gcc unit func
}

leg_lint()
{
	scripts/lint.sh | collect lint
}

leg_system()
{
	if [ ! -x build-gcc/app/mcrd ] && ! build build-gcc gcc; then
		return
	fi
	/usr/bin/python3 -u tests/system/run.py --bindir build-gcc/app 2>&1 |
		tee "$tmp/system.log" | collect system
	# A runner that breaks down may not look like one that found nothing wrong.
	if ! tail -n 1 "$tmp/system.log" | grep -qE '^[0-9]+ passed, |^SKIP '; then
		record FAIL system/run 'ended early'
	fi
}

# DPDK's inline functions read words at any address, which x86 allows: no alignment check.
sanitized='-Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fno-sanitize=alignment'

leg_asan()
{
	# shellcheck disable=SC2086 # a list of words
	build build-asan gcc $sanitized || return
	ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 \
		LSAN_OPTIONS=suppressions=$top/tests/lsan.supp:print_suppressions=0 \
		UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		run_meson asan build-asan unit func
}

leg_clang()
{
	build build-clang clang-14 && run_meson clang build-clang unit
}

# gcc's thread sanitizer cannot place its shadow on a kernel with much address randomisation.
leg_tsan()
{
	printf 'int main(void) { return 0; }\n' > "$tmp/probe.c"
	gcc -fsanitize=thread -o "$tmp/probe" "$tmp/probe.c" 2> /dev/null
	wrapper=
	if ! "$tmp/probe" > /dev/null 2>&1; then
		wrapper='setarch -R'
		if ! $wrapper "$tmp/probe" > /dev/null 2>&1; then
			wrapper=
			record SKIP tsan 'the thread sanitizer does not run on this kernel'
			return
		fi
	fi
	build build-tsan gcc -Db_sanitize=thread -Db_lundef=false -- unit &&
		TSAN_OPTIONS=halt_on_error=1 run_meson tsan build-tsan unit
	wrapper=
}

leg_fuzz()
{
	local target name corpus
	[ -f tests/fuzz/meson.build ] || return
	# shellcheck disable=SC2086 # a list of words
	build build-fuzz clang-14 -Dfuzz=true $sanitized || return
	for target in build-fuzz/tests/fuzz/fuzz_*; do
		[ -f "$target" ] && [ -x "$target" ] || continue
		name=${target##*/fuzz_}
		corpus=$tmp/corpus-$name
		mkdir -p "$corpus"
		[ ! -d "tests/fuzz/corpus/$name" ] || cp -r "tests/fuzz/corpus/$name/." "$corpus/"
		if UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$target" -timeout=10 \
			-max_total_time="$fuzz_seconds" -artifact_prefix="$tmp/" ${MCR_SEED:+-seed="$MCR_SEED"} \
			"$corpus" > "$tmp/fuzz.log" 2>&1; then
			record PASS "fuzz/$name" \
				"$(sed -n 's/^Done \([0-9]*\) runs.*/\1 executions/p' "$tmp/fuzz.log")"
		else
			tail -n 60 "$tmp/fuzz.log" | sed 's/^/    | /'
			record FAIL "fuzz/$name"
		fi
	done
}

head_line packages
if ! scripts/deps.sh all; then
	echo '0 passed, 1 failed, 0 skipped'
	exit 1
fi
[ -z "${MCR_SEED:-}" ] || export MCR_SEED

for leg in ${legs:-$all_legs}; do
	begin=$SECONDS
	head_line "$leg"
	"leg_$leg"
	printf '  (%d s)\n' $((SECONDS - begin))
done

if [ "$(count FAIL)" != 0 ]; then
	head_line failed
	grep '^FAIL ' "$totals" | cut -d' ' -f2-
fi
if [ "$(count SKIP)" != 0 ]; then
	head_line skipped
	grep '^SKIP ' "$totals" | cut -d' ' -f2-
fi
printf '\n%d passed, %d failed, %d skipped\n' "$(count PASS)" "$(count FAIL)" "$(count SKIP)"
[ "$(count FAIL)" = 0 ] && [ "$(count PASS)" != 0 ]
