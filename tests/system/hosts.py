# SPDX-License-Identifier: BSD-3-Clause
"""Hosts of the system tests: senders, receivers and captures inside namespaces."""
import contextlib
import os
import socket
import struct
import threading
import time

from lib import BASE, equal, inside, need, until, wait_iface

ETH_P_ALL = 3
IP_MULTICAST_ALL = 49
IP_ADD_SOURCE_MEMBERSHIP = 39
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC, PACKET_OUTGOING = 263, 1, 1, 4
CANARY_GROUP, CANARY_PORT = "239.255.77.77", 7777
SENT_PORT = 6666
GROUP = "225.0.0.11"            # the group of the README


def mac_of(netns, iface):
    with inside(netns), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((iface, 0))
        return s.getsockname()[4]


class Host:
    """A namespace with one interface towards mcr: an ordinary computer of the network."""

    def __init__(self, world, name, address, iface="eth0", canary=True, igmp=None):
        self.world, self.name, self.iface = world, name, iface
        self.ns = world.ns(name)
        self.address = address.split("/")[0]
        wait_iface(self.ns, iface)
        if igmp:
            with inside(self.ns), open(f"/proc/sys/net/ipv4/conf/{iface}/force_igmp_version",
                                       "w") as f:
                f.write(str(igmp))
        world.run("ip", "addr", "add", address, "brd", "+", "dev", iface, ns=self.ns)
        world.run("ip", "link", "set", iface, "up", ns=self.ns)
        world.run("ip", "route", "replace", "224.0.0.0/4", "dev", iface, ns=self.ns)
        with inside(self.ns):
            self.index = socket.if_nametoindex(iface)
            self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                            struct.pack("4s4si", bytes(4), bytes(4), self.index))
        self.out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        self.mac = mac_of(self.ns, iface)
        self.canary = self.join(CANARY_GROUP, CANARY_PORT) if canary else None

    def join(self, group, port=SENT_PORT, source=None):
        return Receiver(self, group, port, source)

    def send(self, data, group, port=SENT_PORT):
        self.out.sendto(data if isinstance(data, bytes) else data.encode(), (group, port))

    def inject(self, frame):
        """Send a whole Ethernet frame."""
        if not hasattr(self, "raw"):
            with inside(self.ns):
                self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                self.raw.bind((self.iface, 0))
        self.raw.send(bytes(frame))

    def run(self, *cmd, ok=True):
        return self.world.run(*cmd, ns=self.ns, ok=ok)


class Receiver:
    """A program that joined a group: a UDP socket with a membership."""

    def __init__(self, host, group, port, source):
        self.host, self.group, self.pending = host, group, []
        with inside(host.ns):
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        self.sock.bind((group, port))
        if source:
            req = struct.pack("4s4s4s", socket.inet_aton(group), socket.inet_aton(host.address),
                              socket.inet_aton(source))
            self.sock.setsockopt(socket.IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, req)
        else:
            req = struct.pack("4s4si", socket.inet_aton(group), bytes(4), host.index)
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, req)
        self.sock.setblocking(False)

    def take(self):
        """Everything that arrived since the last call."""
        out, self.pending = self.pending, []
        while True:
            try:
                out.append(self.sock.recv(65535))
            except BlockingIOError:
                return out

    def wait(self, data, limit=5.0):
        """Wait until this payload arrived; it stays for take()."""
        def there():
            self.pending = self.take()
            return data in self.pending
        until(there, f"{self.host.name} receives {data[:40]!r} of {self.group}", limit)

    def leave(self):
        self.sock.close()


class Capture:
    """Frames that cross an interface; arriving ones only, or all."""

    def __init__(self, netns, iface, both=False):
        self.both, self.seen = both, []
        with inside(netns):
            index = socket.if_nametoindex(iface)
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        with inside(netns):
            self.sock.bind((iface, ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                             struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, bytes(8)))
        self.sock.setblocking(False)

    def frames(self):
        """All frames so far."""
        while True:
            try:
                data, addr = self.sock.recvfrom(65535)
            except BlockingIOError:
                return self.seen
            if self.both or addr[2] != PACKET_OUTGOING:
                self.seen.append(data)

    def count(self, *parts):
        """Frames that hold all these byte strings."""
        return sum(all(p in f for p in parts) for f in self.frames())


_serial = 0


def deliver(sender, group, members, others=(), port=SENT_PORT, limit=5.0):
    """Send one datagram: every member gets exactly one copy of it, others get none.

    members and others are receivers; each one's host must have the canary, which goes last.
    """
    global _serial
    _serial += 1
    data = b"data %d %d" % (os.getpid(), _serial)
    last = b"canary %d %d" % (os.getpid(), _serial)
    sender.send(data, group, port)
    for r in members:
        r.wait(data, limit)
    sender.send(last, CANARY_GROUP, CANARY_PORT)
    for r in list(members) + list(others):
        if r.host.canary:
            r.host.canary.wait(last, limit)
    for r in members:
        equal(r.take(), [data], f"what {r.host.name} received of {group}")
    for r in others:
        equal(r.take(), [], f"what {r.host.name}, not a member of {group}, received")


def lab_conf(world, names, extra="", base=BASE):
    """One segment "lab", VNI 100, querier 10.99.0.254; one TAP port for each host name."""
    lines = [base + "set system name lab", "add segment lab vni 100",
             "set segment lab address 10.99.0.254/24", "set igmp all mode querier"]
    for i, n in enumerate(names):
        lines += [f"add port {n} dev net_tap{i},iface=eth0 netns {world.ns(n)}",
                  f"set port {n} segment lab"]
    return "\n".join(lines) + "\n" + extra


def lab(world, names, extra="", clock=False, canary=True, base=BASE):
    """Start it; hosts are 10.99.0.1, .2 ... in the order of names."""
    d = world.mcrd(lab_conf(world, names, extra, base), clock=clock)
    hosts = [Host(world, n, f"10.99.0.{i + 1}/24", canary=canary) for i, n in enumerate(names)]
    if canary:
        d.wait_member(CANARY_GROUP, *(h.address for h in hosts))
    return (d, *hosts)


@contextlib.contextmanager
def stream(host, group, pps=500):
    """Numbered datagrams in the background; yields a function that says how many went out."""
    stop, count = threading.Event(), [0]

    def loop():
        next_at = time.monotonic()
        while not stop.is_set():
            try:
                host.send(b"stream %d" % count[0], group)
            except OSError:     # the interface went with its daemon
                return
            count[0] += 1
            next_at += 1 / pps
            time.sleep(max(0, next_at - time.monotonic()))
    t = threading.Thread(target=loop)
    t.start()
    try:
        yield lambda: count[0]
    finally:
        stop.set()
        t.join()


def whole(receiver, n, what):
    """All of stream 0..n-1, once and in order."""
    receiver.wait(b"stream %d" % (n - 1))
    equal([int(x.split()[1]) for x in receiver.take()], list(range(n)), what)


def go_silent(host):
    """The host neither answers queries nor says that it leaves."""
    need("nft")
    host.run("nft", "add table ip mute; add chain ip mute out { type filter hook output priority 0;"
             " }; add rule ip mute out ip protocol igmp drop")


def warp(daemons, seconds, step, fresh):
    """Let protocol time pass in steps; after each, fresh() says that the living have answered."""
    for _ in range(seconds // step):
        for d in daemons:
            d.ctl(f"clock warp {step}")
        until(fresh, "members answered the queries", 5)


def expires(d, group):
    return {m["address"]: m["expires_seconds"] for g in d.json("show groups")["groups"]
            if g["group"] == group for m in g["members"]}
