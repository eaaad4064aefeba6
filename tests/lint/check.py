#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks of the sources: check.py NAME... runs these checks, --names lists them, --list [SUFFIX...]
lists the files of the project. Each finding is one line FILE:LINE: TEXT; exit 1 when there is one.
"""
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ALLOW = "tests/lint/allow.txt"

# Words that a function may not call while packets run through it.
HOT_FOLDERS = ("lib/path/", "lib/pkt/")
HOT_WORDS = re.compile(
    r"(?<!^)\b(malloc|calloc|realloc|free|strdup|asprintf|alloca|aligned_alloc|posix_memalign"
    r"|rte_malloc\w*|rte_zmalloc\w*|rte_calloc\w*|rte_realloc\w*|rte_free"
    r"|rte_mempool_create|rte_memzone_reserve\w*|rte_ring_create\w*|rte_hash_create"
    r"|v?f?printf|v?dprintf|v?sn?printf|puts|fputs|perror|mcr_log\w*|RTE_LOG|rte_log|syslog"
    r"|sleep|usleep|nanosleep|rte_delay_\w+|time|clock_gettime|gettimeofday"
    r"|read|write|ioctl|send|sendto|recv|recvfrom|open|close|poll|epoll_wait"
    r"|pthread_\w+|rte_rwlock_\w+|rte_spinlock_\w+|rte_rcu_qsbr_synchronize)\s*\(")


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8", errors="surrogateescape", newline="") as f:
        return f.read()


def project_files():
    try:
        out = subprocess.run(["git", "-C", TOP, "ls-files", "-z", "-co", "--exclude-standard"],
                             check=True, capture_output=True).stdout.decode()
        names = [n for n in out.split("\0") if n]
    except (OSError, subprocess.CalledProcessError):
        names = []
        for folder, dirs, found in os.walk(TOP):
            dirs[:] = [d for d in dirs if d != ".git" and not d.startswith("build")]
            names += [os.path.relpath(os.path.join(folder, n), TOP) for n in found]
    return sorted(n for n in names if os.path.isfile(os.path.join(TOP, n)))


def is_text(path):
    with open(os.path.join(TOP, path), "rb") as f:
        return b"\0" not in f.read(4096)


FILES = project_files()
TEXT_FILES = [n for n in FILES if is_text(n) and not n.startswith("tests/fuzz/corpus")]
C_FILES = [n for n in TEXT_FILES if n.endswith((".c", ".h"))]


def without_comments(text, strings=False):
    """C text with comments (and string contents, if asked) blanked; line numbers stay."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return '""' if strings else found
        return re.sub(r"[^\n]", " ", found)
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text,
                  flags=re.S)


def allowed():
    """{(check, file or file:function): words}"""
    rules = {}
    for n, line in enumerate(read(ALLOW).splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        check, path, words, *reason = line.split()
        if not reason:
            sys.exit(f"{ALLOW}:{n}: an exception needs its reason")
        rules.setdefault((check, path), set()).update(words.split(","))
    return rules


def function_at(lines, n):
    """Name of the function around line n (from 0): it begins at the line's start."""
    for line in reversed(lines[:n + 1]):
        match = re.match(r"(\w+)\(", line)
        if match:
            return match.group(1)
    return ""


def grep(files, pattern, say, code=False, check=None):
    """Findings of `pattern`; code: only outside comments and strings."""
    rules = allowed() if check else {}
    for path in files:
        text = read(path)
        if code:
            text = without_comments(text, strings=True)
        lines = text.splitlines()
        for n, line in enumerate(lines):
            for match in re.finditer(pattern, line):
                word = match.group(1) if match.groups() else match.group(0)
                function = function_at(lines, n)
                words = rules.get((check, path), set()) | \
                    rules.get((check, f"{path}:{function}"), set())
                if word not in words and "*" not in words:
                    where = f" ({function})" if check and function else ""
                    yield f"{path}:{n + 1}: {say.format(word)}{where}"


def check_spdx():
    """the licence stands in the first two lines of every source"""
    suffixes = (".c", ".h", ".py", ".sh", "meson.build", "meson_options.txt", ".ci/run")
    for path in TEXT_FILES:
        if path.endswith(suffixes) and \
                "SPDX-License-Identifier: BSD-3-Clause" not in "\n".join(
                    read(path).split("\n")[:2]):
            yield f"{path}:1: no SPDX line"


def check_whitespace():
    """no blank at a line's end, no CR, one newline at the end, 100 columns in C"""
    for path in TEXT_FILES:
        text = read(path)
        if text and not text.endswith("\n"):
            yield f"{path}:{text.count(chr(10)) + 1}: no newline at the end"
        if text.endswith("\n\n"):
            yield f"{path}:{text.count(chr(10))}: empty lines at the end"
        for n, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield f"{path}:{n}: blank at the end of the line"
            shown = line.removesuffix(" \\").expandtabs(8)
            if path in C_FILES and len(shown) > 100 and '"' not in line:
                yield f"{path}:{n}: longer than 100 columns"


def check_hot_path():
    """no heap, log, print, system call, wait or lock in the data path's folders, but for functions
    that say by their name that they make or free an object: the control thread calls those"""
    files = [n for n in C_FILES if n.startswith(HOT_FOLDERS) and n.endswith(".c")]
    for finding in grep(files, HOT_WORDS, "{}() in the data path", code=True, check="hot-path"):
        if not re.search(r"\((\w+_create|\w+_free|release_\w+)\)$", finding):
            yield finding


def check_versions():
    """the DPDK version is asked in one file"""
    files = [n for n in C_FILES if n != "lib/base/compat.h"]
    return grep(files, r"\bRTE_VER(?:SION\b|_\w+)", "{} outside lib/base/compat.h", code=True)


def check_includes():
    """libraries are included as "folder/file.h"; nothing by a relative path"""
    for path in C_FILES:
        for n, line in enumerate(read(path).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if match is None:
                continue
            name = match.group(1)
            if name.startswith(("../unit/", "../func/")) and path.startswith("tests/"):
                continue  # a helper that two kinds of tests share
            if ".." in name.split("/") or name.startswith("lib/"):
                yield f"{path}:{n}: included by a path"
            elif path.startswith("lib/") and "/" not in name:
                yield f'{path}:{n}: "{name}" lacks its folder'


def check_own_header():
    """a .c file begins with its own header, so that every header compiles alone"""
    for path in C_FILES:
        own = path[len("lib/"):-1] + "h"
        if not path.startswith("lib/") or not path.endswith(".c") or \
                not os.path.exists(os.path.join(TOP, "lib", own)):
            continue
        first = re.search(r'#\s*include\s+["<]([^">]+)', read(path))
        if first and first.group(1) != own:
            yield f"{path}:1: the first include is not its own header {own}"


def check_outside():
    """the project stands alone: no path of the machine or folder beside it"""
    files = [n for n in TEXT_FILES if not n.startswith("tests/lint/")]
    return grep(files, r"\.\./shared|/work/\w+|/farm/", "{} is outside the project")


def check_unfinished():
    """nothing is left for later in the sources"""
    files = [n for n in TEXT_FILES if not n.startswith("tests/lint/")]
    return grep(files, r"\b(TODO|FIXME|XXX|HACK)\b", "{}: finish it, or leave it out")


def check_atomics():
    """C11 atomics only"""
    files = [n for n in C_FILES if n.startswith(("lib/", "app/"))]
    return grep(files, r"(?<!asm )(?<!__asm__ )\b(volatile|rte_atomic(?:16|32|64)_\w+|rte_smp_\w+"
                       r"|__sync_\w+)\b", "{}: use the __atomic builtins", code=True,
                check="atomics")


def check_tests():
    """no sleep, no assertion that cannot fail, every test file is built"""
    files = [n for n in C_FILES if n.startswith("tests/")]
    yield from grep(files, r"\b(sleep|usleep|nanosleep|rte_delay_\w+)\s*\(",
                    "{}: wait for a condition", code=True, check="tests")
    yield from grep(files, r"\bassert_true\((1|true)\)", "an assertion that cannot fail",
                    code=True)
    builds = {n: read(n) for n in TEXT_FILES if n.endswith("meson.build")}
    for path in files:
        match = re.fullmatch(r"tests/(unit|func)/(test_(\w+))\.c", path)
        if match is None:
            continue
        kind, program, name = match.groups()
        if kind == "unit":
            name = name.split("_", 1)[-1]
        if f"'{name}'" not in builds[f"tests/{kind}/meson.build"] and \
                not any(program in text for text in builds.values()):
            yield f"{path}:1: no meson.build names it"


def check_python():
    """every Python file can be parsed"""
    for path in TEXT_FILES:
        if not path.endswith(".py"):
            continue
        try:
            ast.parse(read(path))
        except SyntaxError as e:
            yield f"{path}:{e.lineno}: {e.msg}"


def check_headers():
    """every public header compiles alone"""
    cc = shutil.which("gcc") or "cc"
    flags = subprocess.run(["pkg-config", "--cflags", "libdpdk", "jansson"], check=True,
                           capture_output=True, text=True).stdout.split()
    headers = [n for n in C_FILES if n.startswith("lib/") and n.endswith(".h")]
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "alone.c")
        for path in headers:
            with open(source, "w", encoding="utf-8") as f:
                f.write(f'#include "{path[len("lib/"):]}"\n')
            run = subprocess.run([cc, "-fsyntax-only", "-std=gnu11", "-D_GNU_SOURCE",
                                  "-I" + os.path.join(TOP, "lib"), *flags, source],
                                 capture_output=True, text=True, check=False)
            if run.returncode != 0:
                first = next((line for line in run.stderr.splitlines() if "error" in line), "?")
                yield f"{path}:1: does not compile alone: {first}"


def check_length():
    """tells of C files over 600 lines; each wants a reason in its head comment"""
    for path in C_FILES:
        lines = read(path).count("\n")
        if lines > 600:
            print(f"note: {path} has {lines} lines")
    return []


CHECKS = {name[len("check_"):].replace("_", "-"): fn
          for name, fn in list(globals().items()) if name.startswith("check_")}


def main():
    args = sys.argv[1:]
    if args[:1] == ["--names"]:
        print("\n".join(CHECKS))
        return 0
    if args[:1] == ["--list"]:
        os.chdir(TOP)
        print("\n".join(n for n in TEXT_FILES if n.endswith(tuple(args[1:]) or "")))
        return 0
    found = 0
    for name in args or CHECKS:
        for line in CHECKS[name]():
            print(line)
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
