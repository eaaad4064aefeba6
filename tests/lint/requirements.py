#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares tests/requirements.csv with the tests that exist.

The file has a row ID,STAGE,TEST,FILE for every requirement; several rows for one ID are allowed. TEST
is a test function of FILE, or the name of a later stage, or "missing". An ID that two stages share has
a row for each.

  requirements.py [--strict]   check; --strict: "missing" is an error
  requirements.py --update     enter every test whose name begins with an ID: p11_..., or p11_p12_...
"""
import csv
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CSV = "tests/requirements.csv"
DUE = "core"
LATER = ("igmp", "esp", "obs", "policy", "overlay", "all")

# How many IDs each letter has: none may be lost from the file.
COUNT = {"P": 36, "O": 7, "D": 13, "N": 6, "S": 16, "Q": 16, "E": 11, "C": 11, "H": 8, "SS": 7,
         "SN": 13, "PX": 13, "F": 14, "V": 22, "X": 36, "GS": 9, "DP": 11, "GR": 11, "L": 8,
         "T": 26, "R": 25}


def sort_key(row):
    letters, number = re.fullmatch(r"([A-Z]+)(\d+)", row[0]).groups()
    return (list(COUNT).index(letters), int(number), ((DUE,) + LATER).index(row[1]), row[2], row[3])


def read_rows():
    with open(os.path.join(TOP, CSV), encoding="utf-8", newline="") as f:
        rows = list(csv.reader(f))
    if rows[:1] != [["id", "stage", "test", "file"]]:
        sys.exit(f"{CSV}:1: the first line is not id,stage,test,file")
    return rows[1:]


def test_functions():
    """{file: names of its tests}"""
    found = {}
    for folder in ("unit", "func", "system", "fuzz"):
        path = os.path.join(TOP, "tests", folder)
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else []:
            file = f"tests/{folder}/{name}"
            if not name.endswith((".c", ".py")):
                continue
            with open(os.path.join(path, name), encoding="utf-8") as f:
                text = f.read()
            if name.endswith(".py"):
                found[file] = set(re.findall(r"^def (\w+)\(", text, re.M))
            elif folder == "fuzz":
                found[file] = {"LLVMFuzzerTestOneInput"}
            else:
                # Registered, not only defined.
                found[file] = set(re.findall(r"cmocka_unit_test\w*\(\s*(\w+)", text))
    return found


def stands_in(test, file, tests):
    """Is `test` a test of `file`? Rules that hold for all tests name a function of the framework."""
    if file in tests and test in tests[file]:
        return True
    if re.fullmatch(r"tests/\w+/test_\w+\.(c|py)", file) or not file or \
            not os.path.isfile(os.path.join(TOP, file)):
        return False
    with open(os.path.join(TOP, file), encoding="utf-8") as f:
        return re.search(rf"^\s*(def )?{re.escape(test)}\(", f.read(), re.M) is not None


def check(strict):
    rows = read_rows()
    tests = test_functions()
    wrong = missing = 0
    seen = set()

    def say(n, text):
        nonlocal wrong
        wrong += 1
        print(f"{CSV}:{n}: {text}")

    for n, row in enumerate(rows, 2):
        match = re.fullmatch(r"([A-Z]+)([1-9]\d*)", row[0]) if len(row) == 4 else None
        if match is None or int(match.group(2)) > COUNT.get(match.group(1), 0):
            say(n, f"not a requirement: {','.join(row)}")
            continue
        ident, stage, test, file = row
        seen.add(ident)
        if stage in LATER:
            # A test that comes early may be named already.
            if test != stage and not stands_in(test, file, tests):
                say(n, f"{ident} of stage {stage}: the test column says {test}")
        elif stage != DUE:
            say(n, f"{ident}: unknown stage {stage}")
        elif test == "missing":
            missing += 1
            if strict:
                say(n, f"{ident} has no test")
        elif not stands_in(test, file, tests):
            say(n, f"{ident}: no test {test} in {file}")
    for letters, count in COUNT.items():
        for i in range(1, count + 1):
            if f"{letters}{i}" not in seen:
                say(1, f"{letters}{i} has no row")
    if rows != sorted(rows, key=sort_key):
        say(1, "rows are not in order; --update sorts them")
    if missing and not strict:
        print(f"note: {missing} requirements of stage {DUE} have no test yet")
    return 1 if wrong else 0


def ids_of(name):
    """p11_p12_aux_data -> P11, P12"""
    name = re.sub(r"^test_", "", name)
    ids = []
    for part in name.split("_"):
        match = re.fullmatch(r"([a-z]{1,2})([1-9]\d*)", part)
        if match is None or int(match.group(2)) > COUNT.get(match.group(1).upper(), 0):
            break
        ids.append(part.upper())
    return ids


def update():
    tests = test_functions()
    rows = {tuple(r) for r in read_rows()}
    # A test that was renamed or removed leaves the file.
    rows = {r for r in rows if r[2] == "missing" or r[2] in LATER or stands_in(r[2], r[3], tests)}
    stages = {}
    for ident, stage, _test, _file in rows | {tuple(r) for r in read_rows()}:
        stages.setdefault(ident, set()).add(stage)
    for file, names in tests.items():
        for name in names:
            for ident in ids_of(name):
                stage = DUE if DUE in stages[ident] else sorted(stages[ident])[0]
                rows.add((ident, stage, name, file))
    for ident, of in stages.items():
        for stage in of:
            named = [r for r in rows if r[0] == ident and r[1] == stage]
            real = [r for r in named if r[2] != "missing" and r[2] not in LATER]
            gap = (ident, stage, "missing" if stage == DUE else stage, "")
            if not real:
                rows.add(gap)
            elif stage == DUE:
                rows.discard(gap)
    with open(os.path.join(TOP, CSV), "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["id", "stage", "test", "file"])
        out.writerows(sorted(rows, key=sort_key))
    return 0


def main():
    args = sys.argv[1:]
    if args == ["--update"]:
        return update()
    if args not in ([], ["--strict"]):
        print(__doc__)
        return 2
    return check(strict=bool(args))


if __name__ == "__main__":
    sys.exit(main())
