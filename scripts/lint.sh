#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Checks of the sources that need no build. One line "PASS lint-NAME" or "FAIL lint-NAME" for each;
# what is wrong stands above the FAIL line. tests/lint/ holds the checks and their exceptions.
#
# usage: scripts/lint.sh [--strict]     --strict: a requirement without a test is a failure
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0

check() # NAME COMMAND...
{
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		[ -z "$out" ] || printf '%s\n' "$out"
		printf 'PASS lint-%s\n' "$name"
	else
		printf '%s\n' "$out"
		printf 'FAIL lint-%s\n' "$name"
		failed=1
	fi
}

files() # SUFFIX...
{
	/usr/bin/python3 tests/lint/check.py --list "$@"
}

format()
{
	local f status=0
	for f in $(files .c .h); do
		clang-format-14 "$f" | cmp -s - "$f" && continue
		echo "$f: not as clang-format-14 -i $f leaves it"
		status=1
	done
	return $status
}

spelling()
{
	files | xargs -d '\n' -r codespell --builtin clear -I tests/lint/words.txt
}

shell_syntax()
{
	local f status=0
	for f in $(files .sh) .ci/run; do
		bash -n "$f" || status=1
	done
	return $status
}

check format format
check spelling spelling
check shell shell_syntax
for name in $(/usr/bin/python3 tests/lint/check.py --names); do
	check "$name" /usr/bin/python3 tests/lint/check.py "$name"
done
check requirements /usr/bin/python3 tests/lint/requirements.py "$@"
exit $failed
