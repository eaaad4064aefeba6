# SPDX-License-Identifier: BSD-3-Clause
"""Harness of the system tests: a world of namespaces and daemons (hosts and captures: hosts.py).

Every test gets a World of its own and leaves nothing behind. Sockets are opened inside a namespace
by this process (setns around socket()), so a test reads top to bottom without helper programs.

Rules: wait for a condition with a limit, never a fixed time; a good packet (the canary) goes last
and must come out, because "nothing arrived" alone would also be true of a dead daemon.
"""
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CLONE_NEWNET = 0x40000000

# Ordinary pages, one worker that sleeps when idle: what every configuration of a test starts with.
BASE = "set system memory plain\nset system workers 1\nset system idle sleep\n"

_libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """The host lacks something; the text says what."""


class Fail(Exception):
    """What was expected and what was seen."""


def check(condition, text):
    if not condition:
        raise Fail(text)


def equal(seen, wanted, what):
    if seen != wanted:
        raise Fail(f"{what}: expected {wanted!r}, got {seen!r}")


def until(condition, what, limit=10.0):
    """Wait until condition() is true and return its value; an error in it counts as not yet."""
    end = time.monotonic() + limit
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except (Fail, OSError, KeyError, IndexError) as e:
            last = e
        if time.monotonic() > end:
            raise Fail(f"not within {limit:g} s: {what} (last: {last!r})")
        time.sleep(0.02)


def need(*programs):
    for p in programs:
        if not shutil.which(p):
            raise Skip(f"{p} is not installed")


@contextlib.contextmanager
def inside(netns):
    """The calling thread lives in the namespace for the length of the block."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    try:
        if _libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {netns}")
        try:
            yield
        finally:
            if _libc.setns(home, CLONE_NEWNET):
                raise SystemExit("cannot leave the namespace")
    finally:
        os.close(home)
        os.close(there)


class World:
    """Namespaces, processes and files of one test."""

    def __init__(self, bindir):
        self.bindir = os.path.abspath(bindir)
        self.dir = tempfile.mkdtemp(prefix=f"mcr-test-{os.getpid()}-")
        self.netns, self.daemons, self.procs, self.files = [], [], [], []

    def ns(self, name):
        """The namespace NAME of this test; made on first use, quiet (no IPv6), lo up."""
        full = f"m{os.getpid()}-{name}"
        if full not in self.netns:
            self.run("ip", "netns", "add", full)
            self.netns.append(full)
            with inside(full):
                for knob in ("all", "default"):
                    with open(f"/proc/sys/net/ipv6/conf/{knob}/disable_ipv6", "w") as f:
                        f.write("1")
            self.run("ip", "link", "set", "lo", "up", ns=full)
        return full

    def run(self, *cmd, ns=None, ok=True, env=None):
        """Run a program to its end and return what it printed."""
        if ns:
            cmd = ("ip", "netns", "exec", ns) + cmd
        p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           stdin=subprocess.DEVNULL, timeout=30, env=env)
        if ok and p.returncode:
            raise Fail(f"{' '.join(cmd)}: exit {p.returncode}: {p.stdout.strip()}")
        return p.stdout

    def spawn(self, *cmd, ns=None, out=None, env=None):
        """Start a program; it is ended with the test. Its output goes to the file `out`."""
        if ns:
            cmd = ("ip", "netns", "exec", ns) + cmd
        f = open(self.path(out or f"proc{len(self.procs)}.out"), "w")
        self.files.append(f)
        p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=f, stderr=f, env=env,
                             start_new_session=True)
        self.procs.append(p)
        return p

    def path(self, name):
        return os.path.join(self.dir, name)

    def text(self, name):
        with open(self.path(name), errors="replace") as f:
            return f.read()

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def mcrd(self, conf, name="mcrd", args=(), clock=False, ready=True, prefix=()):
        d = Mcrd(self, conf, name, tuple(args) + (("--test-clock",) if clock else ()), prefix)
        if ready:
            d.wait_ready()
        return d

    def wire(self, name="wire"):
        """A namespace with a bridge: the cable between uplinks."""
        full = self.ns(name)
        self.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0", ns=full)
        self.run("ip", "link", "set", "br0", "up", ns=full)
        return full

    def plug(self, wire, *ifaces):
        """Put interfaces that a daemon made in the wire's namespace on its bridge."""
        for i in ifaces:
            wait_iface(wire, i)
            self.run("ip", "link", "set", i, "master", "br0", "up", ns=wire)

    def veth(self, ns_a, if_a, ns_b, if_b):
        """A veth pair without transmit checksum offload."""
        self.run("ip", "link", "add", if_a, "netns", ns_a, "type", "veth",
                 "peer", if_b, "netns", ns_b)
        for ns, i in ((ns_a, if_a), (ns_b, if_b)):
            self.run("ip", "link", "set", i, "up", ns=ns)
            self.run("ethtool", "-K", i, "tx", "off", ns=ns)

    def logs(self):
        out = ""
        for d in self.daemons:
            out += f"--- {d.name}: exit {d.proc.poll()}\n{d.log()[-4000:]}\n"
        return out

    def close(self):
        """End everything by its pid; returns what should not have happened."""
        wrong = []
        for d in self.daemons:
            try:
                d.close()
            except Fail as e:
                wrong.append(str(e))
        for p in self.procs:
            end_group(p)
        for f in self.files:
            f.close()
        for n in self.netns:
            subprocess.run(["ip", "netns", "del", n], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)
        return wrong


def end_group(p, sig=signal.SIGTERM):
    """End a process that we started in a session of its own, and its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(p.pid, sig)
    try:
        p.wait(3)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(p.pid, signal.SIGKILL)
        p.wait(3)


def wait_iface(netns, iface):
    def there():
        with inside(netns):
            return iface in (n for _, n in socket.if_nameindex())
    until(there, f"interface {iface} in {netns}", 15)


class Mcrd:
    """A running daemon and its control tool."""

    def __init__(self, world, conf, name, args, prefix):
        self.world, self.name = world, name
        self.sock = world.path(name + ".sock")
        self.conf = world.write(name + ".conf", conf)
        self.logfile = open(world.path(name + ".log"), "a")
        world.files.append(self.logfile)
        self.ended = False
        self.pools = None
        self.cmd = tuple(prefix) + (os.path.join(world.bindir, "mcrd"), "-c", self.conf,
                                    "-s", self.sock) + tuple(args)
        self.proc = subprocess.Popen(self.cmd, stdin=subprocess.DEVNULL, stdout=self.logfile,
                                     stderr=self.logfile, start_new_session=True)
        world.daemons.append(self)

    def wait_ready(self):
        end = time.monotonic() + 20
        while True:
            check(self.proc.poll() is None, f"{self.name} ended with {self.proc.poll()} at start")
            code, out = self.try_ctl("wait", "1")
            if code == 0:
                break
            check(time.monotonic() < end, f"{self.name} not ready in 20 s: {out}")
            time.sleep(0.02)
        self.pools = self.pool_use()

    def log(self):
        return self.world.text(self.name + ".log")

    def try_ctl(self, *words, options=(), stdin=None):
        """(exit code, stdout and stderr) of mcrctl; a single string is split into words."""
        if len(words) == 1:
            words = words[0].split()
        p = subprocess.run([os.path.join(self.world.bindir, "mcrctl"), "-s", self.sock, *options,
                            *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=30, **({"input": stdin} if stdin is not None
                                          else {"stdin": subprocess.DEVNULL}))
        return p.returncode, p.stdout

    def ctl(self, *words, options=()):
        code, out = self.try_ctl(*words, options=options)
        if code:
            raise Fail(f"mcrctl {' '.join(words)}: exit {code}: {out.strip()}")
        return out

    def json(self, line):
        return json.loads(self.ctl(line + " json"))

    def refused(self, line, code, *parts):
        """The line is refused with this exit code, and the message has all parts."""
        seen, out = self.try_ctl(line)
        check(seen == code, f"{line!r}: expected exit {code}, got {seen}: {out.strip()}")
        for p in parts:
            check(p in out, f"{line!r}: the message lacks {p!r}: {out.strip()}")
        return out

    def batch(self, *lines):
        code, out = self.try_ctl(options=("-e",), stdin="\n".join(("begin",) + lines + ("commit",))
                                 + "\n")
        check(code == 0, f"batch: exit {code}: {out.strip()}")

    def subscribers(self, group=None):
        rows = self.json("show subscriber list all")["subscribers"]
        return sorted((r["group"], r["subscriber"], r["type"]) for r in rows
                      if r["subscriber"] and (group is None or r["group"] == group))

    def wait_member(self, group, *addresses, limit=10):
        """Wait until exactly these are the subscribers of the group."""
        until(lambda: sorted(a for _, a, _ in self.subscribers(group)) == sorted(addresses),
              f"{self.name}: subscribers of {group} are {addresses}", limit)

    def drops(self):
        return {(r["stage"], r["reason"]): r["count"] for r in self.json("show drops")["drops"]}

    def peer_state(self, peer):
        return {p["peer"]: p["state"] for p in self.json("show peers")["peers"]}[peer]

    def wait_peer(self, peer, state="up", limit=10):
        until(lambda: self.peer_state(peer) == state, f"{self.name}: {peer} is {state}", limit)

    def pool_use(self):
        return {p["pool"]: p["used"] for p in self.json("show status")["pools"]}

    def leaked(self):
        """Buffers that did not come back within a second of idle.

        An unresolved next hop may keep three of the control pool.
        """
        waiting = 3 * sum(p["state"] == "pending" for p in self.json("show peers")["peers"])

        def missing():
            return {p: n - self.pools.get(p, 0) for p, n in self.pool_use().items()
                    if n > self.pools.get(p, 0) + (waiting if p == "control" else 0)}
        try:
            until(lambda: not missing(), "pools full", 1.0)
        except Fail:
            return missing()
        return {}

    def stop(self, sig=signal.SIGTERM, limit=2.0):
        """End the daemon and return its exit code; it has 2 s for an orderly end."""
        self.ended = True
        start = time.monotonic()
        self.proc.send_signal(sig)
        try:
            self.proc.wait(limit)
        except subprocess.TimeoutExpired:
            end_group(self.proc, signal.SIGKILL)
            raise Fail(f"{self.name}: still there {limit:g} s after signal {sig}")
        self.took = time.monotonic() - start
        return self.proc.returncode

    def close(self, leak_check=True):
        if self.ended:
            return
        if self.proc.poll() is not None:
            self.ended = True
            raise Fail(f"{self.name}: ended by itself with {self.proc.returncode}")
        leak = self.leaked() if leak_check and self.pools is not None else {}
        code = self.stop(limit=5.0)
        check(code == 0, f"{self.name}: exit {code} after SIGTERM")
        check(not leak, f"{self.name}: buffers missing after 1 s of idle: {leak}")
