#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads meson-logs/testlog.json and counts TAP cases one by one.

  report.py LEG TESTLOG TOTALS

Prints one line for each program, the output of those that failed, and appends a line PASS, FAIL or SKIP
with the name for each case to TOTALS.
"""
import json
import re
import sys

SHOWN_LINES = 150


def cases(output):
    """(result, name) of each TAP line; cmocka reports a skip as "not ok N # SKIP name"."""
    for line in output.splitlines():
        match = re.match(r"(not )?ok \d+\s*(?:- )?(.*)", line)
        if match is None:
            continue
        name = match.group(2)
        if re.search(r"# SKIP\b", name, re.I):
            yield "SKIP", re.sub(r"\s*# SKIP\s*", " ", name, flags=re.I).strip()
        else:
            yield "FAIL" if match.group(1) else "PASS", name


def planned(output):
    match = re.search(r"^1\.\.(\d+)", output, re.M)
    return int(match.group(1)) if match else None


def program(test):
    """What one test program did: its cases, plus one more if the program itself failed."""
    output = test.get("stdout", "")
    found = list(cases(output))
    failed = any(result == "FAIL" for result, _ in found)
    if planned(output) is None:
        found.append(("FAIL", f"it printed no plan ({test['result']})"))
    elif planned(output) != len(found):
        found.append(("FAIL", f"{len(found)} of {planned(output)} cases ({test['result']})"))
    elif test["returncode"] != 0 and not failed and \
            not (test["returncode"] > 0 and any(result == "SKIP" for result, _ in found)):
        found.append(("FAIL", f"exit status {test['returncode']} ({test['result']})"))
    return found


def show(test):
    text = test.get("stdout", "") + test.get("stderr", "")
    lines = [line for line in text.splitlines() if not re.match(r"ok \d+", line)]
    if len(lines) > SHOWN_LINES:
        lines = lines[:20] + ["..."] + lines[-(SHOWN_LINES - 20):]
    for line in lines:
        print(f"    | {line}")


def main():
    leg, log, totals = sys.argv[1:]
    with open(log, encoding="utf-8") as f:
        tests = [json.loads(line) for line in f]
    with open(totals, "a", encoding="utf-8") as out:
        for test in sorted(tests, key=lambda t: t["name"]):
            name_of_test = re.sub(r"^.* / ", "", test["name"])  # without the suite
            found = program(test)
            count = {word: sum(r == word for r, _ in found) for word in ("PASS", "FAIL", "SKIP")}
            text = f"{count['PASS']:4} passed"
            for word in ("FAIL", "SKIP"):
                if count[word]:
                    text += f", {count[word]} {'failed' if word == 'FAIL' else 'skipped'}"
            print(f"  {name_of_test:28} {text}  ({test['duration']:.1f} s)")
            for result, name in found:
                if result != "PASS":
                    print(f"    {result} {name}")
                out.write(f"{result} {leg}/{name_of_test}/{name}\n")
            if count["FAIL"]:
                show(test)


if __name__ == "__main__":
    main()
