#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run the system tests: run.py --bindir BUILD/app [-k PATTERN] [-l]

Prints PASS, FAIL or SKIP and the name for each test, then the sum. Exit 1 when one failed.
"""
import argparse
import fnmatch
import glob
import importlib
import os
import re
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lib import Fail, Skip, World  # noqa: E402


class Timeout(Exception):
    pass


def on_alarm(_sig, _frame):
    raise Timeout()


def on_end(_sig, _frame):
    raise KeyboardInterrupt()


def tests(pattern):
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for name, fn in list(vars(module).items()):
            if callable(fn) and re.match(r"(test|[a-z]{1,2}\d+)_", name) and \
                    getattr(fn, "__module__", "") == module.__name__ and \
                    (not pattern or fnmatch.fnmatch(name, f"*{pattern}*")):
                yield name, fn


def where(error):
    """File and line of the test, for the message."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        base = os.path.basename(frame.filename)
        if base.startswith("test_"):
            return f"{base}:{frame.lineno}"
    return "?"


def run_one(fn, bindir, limit):
    """(result, reason, log)"""
    world = World(bindir)
    result, reason, log = "PASS", "", ""
    try:
        signal.alarm(limit)
        fn(world)
    except Skip as e:
        result, reason = "SKIP", str(e)
    except Timeout as e:
        result, reason = "FAIL", f"{where(e)}: not done within {limit} s"
    except Fail as e:
        result, reason = "FAIL", f"{where(e)}: {e}"
    except Exception as e:
        result, reason = "FAIL", f"{where(e)}: {type(e).__name__}: {e}"
    finally:
        signal.alarm(0)
        if result == "FAIL":
            log = world.logs()
        wrong = world.close()
    if wrong and result == "PASS":
        result, reason = "FAIL", "; ".join(wrong)
    return result, reason, log


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--bindir", required=True, help="directory with mcrd and mcrctl")
    ap.add_argument("-k", dest="pattern", help="only tests whose name has this pattern")
    ap.add_argument("-l", dest="list", action="store_true", help="list the tests")
    ap.add_argument("-t", dest="limit", type=int, default=60, help="seconds for each test")
    args = ap.parse_args()
    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, on_end)
    if args.list:
        for name, fn in tests(args.pattern):
            print(f"{name},{fn.__module__}.py")
        return 0
    if os.geteuid():
        print("SKIP system: the tests make network namespaces and need root")
        return 0
    count = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    for name, fn in tests(args.pattern):
        start = time.monotonic()
        result, reason, log = run_one(fn, args.bindir, args.limit)
        count[result] += 1
        text = f"{result} {name}"
        if reason:
            text += f": {reason}"
        print(f"{text}  ({time.monotonic() - start:.1f} s)" if result == "PASS" else text)
        if log:
            print("".join(f"    {line}\n" for line in log.splitlines()), end="")
        sys.stdout.flush()
    print(f"{count['PASS']} passed, {count['FAIL']} failed, {count['SKIP']} skipped")
    return 1 if count["FAIL"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
