# SPDX-License-Identifier: BSD-3-Clause
"""Remote peers over VXLAN: another mcr, the Linux kernel, Open vSwitch; the underlay between them.

    hosts -- mcrd A -- wan-a --+                      +-- wan-b -- mcrd B -- hosts
                               +-- bridge "the wire" -+
                                                      +-- Linux vxlan + bridge -- host
"""
import os
import struct
import time

from hosts import (CANARY_GROUP, GROUP, Capture, Host, deliver, expires, go_silent, mac_of, stream,
                   warp, whole)
from lib import Skip, check, equal, need, until, wait_iface
from sites import UNDERLAY, site, site_conf, two_sites

CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config")

def vxlan(frames, src=None, dst=None):
    """(outer source, outer destination, VNI, inner frame) of the VXLAN frames among these."""
    for f in frames:
        if f[12:14] != b"\x08\x00" or f[23] != 17 or f[36:38] != b"\x12\xb5":
            continue
        a, b = (".".join(map(str, f[i:i + 4])) for i in (26, 30))
        if (src is None or a == src) and (dst is None or b == dst):
            yield a, b, int.from_bytes(f[46:49], "big"), f[50:]


def test_two_sites(w):
    """Two mcr: joins on both sides by ordinary programs, one copy each, leaves cross the tunnel."""
    a, src, rx, b, far, near = two_sites(w, "set igmp all last-member-interval 200\n")
    here, there = rx.join(GROUP), far.join(GROUP)
    a.wait_member(GROUP, rx.address, UNDERLAY["b"])
    b.wait_member(GROUP, far.address, UNDERLAY["a"])
    equal([x for x in a.subscribers(GROUP) if x[2] == "Remote Node"],
          [(GROUP, UNDERLAY["b"], "Remote Node")], "the remote subscriber")
    deliver(src, GROUP, [here, there])
    deliver(near, GROUP, [here, there])
    there.leave()
    a.wait_member(GROUP, rx.address)
    deliver(src, GROUP, [here])
    here.leave()
    until(lambda: GROUP not in b.ctl("show group list"), "the group is gone at site b")


def v1_v3_outer_header(w):
    """What is on the wire: UDP 4789 from 49152 up, flags 08, VNI, DF, TTL 64, checksum 0."""
    a, src, rx, b, far, near = two_sites(w)
    wire = Capture(w.ns("wire"), "wan-a", both=True)
    there = far.join(GROUP)
    a.wait_member(GROUP, UNDERLAY["b"])
    deliver(src, GROUP, [there])
    deliver(src, GROUP, [there])
    sent = [f for f in wire.frames() if b"data " in f]
    equal(len(sent), 2, "tunnel packets of two datagrams")
    for f in sent:
        equal(f[20] & 0x40, 0x40, "DF")
        equal(f[22], 64, "outer TTL")
        equal(f[40:42], b"\0\0", "outer UDP checksum")
        equal(f[42:50], b"\x08\0\0\0\0\0\x64\0", "VXLAN header")
        equal(f[50:56], b"\x01\0\x5e\0\0\x0b", "inner destination MAC")
        check(int.from_bytes(f[34:36], "big") >= 49152, "outer source port")
        equal(int.from_bytes(f[38:40], "big"), len(f) - 34, "outer UDP length")
        equal(f[64], 0x45, "inner IP version")
        equal(f[72], 1, "inner TTL as the sender wrote it")
    equal(sent[0][34:36], sent[1][34:36], "source port of one flow")


def l8_full_mesh_of_three(w):
    """Three nodes, full mesh, one packet: two tunnel packets on the wire, no more (L1, L7)."""
    w.wire()
    nodes = {}
    for n, others in (("a", "bc"), ("b", "ac"), ("c", "ab")):
        nodes[n] = site(w, n, [f"h{n}"], others)
    for n, (d, h) in nodes.items():
        d.wait_member(CANARY_GROUP, h.address, *(UNDERLAY[o] for o in "abc" if o != n), limit=15)
    r = {n: h.join(GROUP) for n, (d, h) in nodes.items() if n != "a"}
    a, ha = nodes["a"]
    a.wait_member(GROUP, UNDERLAY["b"], UNDERLAY["c"])
    # Membership of others is not told again: b sees its own host and c, nothing of a.
    nodes["b"][0].wait_member(GROUP, nodes["b"][1].address, UNDERLAY["c"])
    nodes["c"][0].wait_member(GROUP, nodes["c"][1].address, UNDERLAY["b"])
    wires = [Capture(w.ns("wire"), f"wan-{n}") for n in "abc"]    # what each node sent
    data = b"one packet"
    ha.send(data, GROUP)
    for x in r.values():
        x.wait(data)
    ha.send(b"last", CANARY_GROUP, 7777)
    for d, h in list(nodes.values())[1:]:
        h.canary.wait(b"last")
    equal([c.count(data) for c in wires], [2, 0, 0], "tunnel packets sent by a, b, c")
    for x in r.values():
        equal(x.take(), [data], "copies at a receiver")


def l7_overlay_members_are_not_told_on(w):
    """b has a member; a, which knows it from the tunnel, reports nothing of it to c."""
    w.wire()
    a, = site(w, "a", [], "bc")
    b, hb = site(w, "b", ["hb"], "a", canary=False)
    c, = site(w, "c", [], "a")
    wire = Capture(w.ns("wire"), "wan-a")
    r = hb.join(GROUP)
    a.wait_member(GROUP, UNDERLAY["b"])
    c.wait_peer("site-a")
    a.ctl("add member blue 239.3.3.3 any peer site-c")      # static and remote: not told either
    until(lambda: list(vxlan(wire.frames(), dst=UNDERLAY["c"])), "a query of a in the tunnel to c")
    c.ctl("clear group blue all")       # c asks inside the tunnel; a answers with its local state

    def queried():
        rows = a.json("show igmp statistics")["statistics"]
        return sum(x["count"] for x in rows if x["port"] == "site-c" and x["direction"] == "in"
                   and x["message"] == "query")
    until(queried, "c's query arrived at a", 15)
    equal(c.subscribers(), [], "what c knows")
    told = [i for _, _, _, i in vxlan(wire.frames(), dst=UNDERLAY["c"])
            if i[23] == 2 and b"\xe1\x00\x00\x0b" in i]
    equal(told, [], "reports of the group from a to c")
    r.leave()


def warp_step(daemons, group):
    """Whether every subscriber of the group was heard again since the last step."""
    def fresh():
        return all(min(expires(d, group).values(), default=999) > 120 for d in daemons)
    return fresh


def px12_two_mcr(w):
    """Members on both sides of two mcr for 900 s of protocol time; then one goes silent."""
    a, src, rx, b, far, near = two_sites(w, "set igmp all response-interval 1\n", clock=True)
    here, there = rx.join(GROUP), far.join(GROUP)
    a.wait_member(GROUP, rx.address, UNDERLAY["b"])
    b.wait_member(GROUP, far.address, UNDERLAY["a"])
    # The clock goes on between the steps: each side answers the other's queries within a second.
    warp((a, b), 900, 100, warp_step((a, b), GROUP))
    a.wait_member(GROUP, rx.address, UNDERLAY["b"])
    b.wait_member(GROUP, far.address, UNDERLAY["a"])
    deliver(src, GROUP, [here, there])
    deliver(near, GROUP, [here, there])
    go_silent(far)
    there.leave()
    warp((a, b), 600, 100,
         lambda: expires(a, GROUP).get(rx.address, 0) > 120 and
         expires(b, GROUP).get(UNDERLAY["a"], 0) > 120)
    a.wait_member(GROUP, rx.address)
    b.wait_member(GROUP, UNDERLAY["a"])
    near.send("still flows", GROUP)
    here.wait(b"still flows")


def linux_peer(w, name="b", host="kh"):
    """A kernel VXLAN device and a snooping bridge as site b; its host hangs on the bridge."""
    peer = w.ns(f"vtep-{name}")
    w.run("ip", "link", "add", f"wan-{name}", "netns", w.ns("wire"), "type", "veth",
          "peer", "under", "netns", peer)
    w.plug(w.ns("wire"), f"wan-{name}")
    w.run("ip", "addr", "add", f"{UNDERLAY[name]}/24", "dev", "under", ns=peer)
    w.run("ip", "link", "set", "under", "up", ns=peer)
    w.run("ip", "link", "add", "vx0", "type", "vxlan", "id", "100", "dstport", "4789",
          "local", UNDERLAY[name], "dev", "under", ns=peer)
    w.run("bridge", "fdb", "append", "00:00:00:00:00:00", "dev", "vx0", "dst", UNDERLAY["a"],
          ns=peer)
    w.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "1",
          "mcast_igmp_version", "3", ns=peer)
    w.run("ip", "link", "set", "vx0", "master", "br0", "up", ns=peer)
    w.run("ip", "link", "add", "p0", "netns", peer, "type", "veth",
          "peer", "eth0", "netns", w.ns(host))
    w.run("ip", "link", "set", "p0", "master", "br0", "up", ns=peer)
    w.run("ip", "link", "set", "br0", "up", ns=peer)
    # mcr trusts nobody's unfinished checksum: the veth's sender must fill it in.
    w.run("ethtool", "-K", "eth0", "tx", "off", ns=w.ns(host))
    return peer


def linux_site(w, clock=False):
    """(daemon, src, rx, host behind the kernel, namespace of the kernel's VTEP)"""
    w.wire()
    a, src, rx = site(w, "a", ["src", "rx"], ["b"], "set igmp all response-interval 1\n", clock)
    peer = linux_peer(w)
    kh = Host(w, "kh", "10.99.2.1/24")
    a.wait_peer("site-b")
    a.wait_member(CANARY_GROUP, src.address, rx.address, UNDERLAY["b"], limit=15)
    return a, src, rx, kh, peer


def test_linux_vxlan_and_bridge(w):
    """The kernel's VXLAN and snooping bridge as peer, both directions, no static member."""
    a, src, rx, kh, peer = linux_site(w)
    there, here = kh.join(GROUP), rx.join(GROUP)
    a.wait_member(GROUP, rx.address, UNDERLAY["b"])
    deliver(src, GROUP, [here, there])
    mdb = w.run("bridge", "mdb", "show", ns=peer)
    until(lambda: "vx0" in w.run("bridge", "mdb", "show", ns=peer), f"vx0 in the mdb: {mdb}")
    deliver(kh, GROUP, [here])
    there.leave()
    a.wait_member(GROUP, rx.address, limit=15)
    deliver(src, GROUP, [here])


def px12_linux_bridge(w):
    """Members here and behind the Linux bridge over 900 s of protocol time; a silent one goes."""
    a, src, rx, kh, peer = linux_site(w, clock=True)
    there, here = kh.join(GROUP), rx.join(GROUP)
    a.wait_member(GROUP, rx.address, UNDERLAY["b"])
    a.ctl("clock stop")
    warp([a], 900, 100, warp_step([a], GROUP))
    a.wait_member(GROUP, rx.address, UNDERLAY["b"])
    deliver(src, GROUP, [here, there])
    deliver(kh, GROUP, [here])
    go_silent(kh)
    there.leave()
    warp([a], 600, 100, lambda: expires(a, GROUP).get(rx.address, 0) > 150)
    a.wait_member(GROUP, rx.address)
    src.send("still flows", GROUP)
    here.wait(b"still flows")


def ovs_start(w, peer):
    """Open vSwitch in user space inside a namespace, all its files in our directory."""
    need("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-appctl")
    schema = "/usr/share/openvswitch/vswitch.ovsschema"
    if not os.path.exists(schema):
        raise Skip(f"{schema} is missing (package openvswitch-switch)")
    run = w.path("ovs")
    os.mkdir(run)
    env = dict(os.environ, OVS_RUNDIR=run, OVS_LOGDIR=run, OVS_DBDIR=run)
    w.run("ovsdb-tool", "create", f"{run}/conf.db", schema, env=env)
    w.spawn("ovsdb-server", f"{run}/conf.db", f"--remote=punix:{run}/db.sock",
            f"--unixctl={run}/db.ctl", ns=peer, env=env, out="ovsdb.log")
    until(lambda: os.path.exists(f"{run}/db.sock"), "ovsdb-server is up")
    w.spawn("ovs-vswitchd", f"unix:{run}/db.sock", "--disable-system", f"--unixctl={run}/vs.ctl",
            ns=peer, env=env, out="ovs-vswitchd.log")
    until(lambda: os.path.exists(f"{run}/vs.ctl"), "ovs-vswitchd is up")

    def vsctl(*args):
        return w.run("ovs-vsctl", f"--db=unix:{run}/db.sock", "--timeout=10", *args, ns=peer,
                     env=env)
    vsctl("--no-wait", "init")
    return vsctl


def test_open_vswitch_vxlan(w):
    """Open vSwitch in user space as VXLAN peer with multicast snooping, both directions."""
    w.wire()
    peer = w.ns("ovs")
    vsctl = ovs_start(w, peer)
    a, src, rx = site(w, "a", ["src", "rx"], ["b"], "set igmp all response-interval 1\n")
    w.veth(w.ns("wire"), "wan-b", peer, "under")
    w.plug(w.ns("wire"), "wan-b")
    w.veth(peer, "p0", w.ns("oh"), "eth0")
    vsctl("add-br", "phys", "--", "set", "bridge", "phys", "datapath_type=netdev",
          f"other-config:hwaddr={':'.join(f'{b:02x}' for b in mac_of(peer, 'under'))}",
          "--", "add-port", "phys", "under")
    vsctl("add-br", "tenant", "--", "set", "bridge", "tenant", "datapath_type=netdev",
          "mcast_snooping_enable=true", "--", "add-port", "tenant", "p0",
          "--", "add-port", "tenant", "vx0", "--", "set", "interface", "vx0", "type=vxlan",
          f"options:remote_ip={UNDERLAY['a']}", f"options:local_ip={UNDERLAY['b']}",
          "options:key=100")
    wait_iface(peer, "phys")
    w.run("ip", "addr", "add", f"{UNDERLAY['b']}/24", "dev", "phys", ns=peer)
    w.run("ip", "link", "set", "phys", "up", ns=peer)
    w.run("ip", "link", "set", "tenant", "up", ns=peer)
    oh = Host(w, "oh", "10.99.2.1/24", canary=False)
    a.wait_peer("site-b", limit=20)
    there, here = oh.join(GROUP), rx.join(GROUP)
    a.wait_member(GROUP, rx.address, UNDERLAY["b"], limit=20)
    src.send("to ovs", GROUP)
    there.wait(b"to ovs")
    oh.send("from ovs", GROUP)
    here.wait(b"from ovs")
    src.send("last", GROUP)
    for r in (here, there):
        r.wait(b"last")
    equal(there.take(), [b"to ovs", b"last"], "what the host behind Open vSwitch received")
    equal(here.take(), [b"to ovs", b"from ovs", b"last"], "what our host received")


def arp(op, sha, spa, tha, tpa, dst=b"\xff" * 6):
    def ip(a):
        return bytes(map(int, a.split(".")))
    return (dst + sha + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, op) + sha + ip(spa) +
            tha + ip(tpa)).ljust(60, b"\0")


def arps(capture, op, target):
    want = bytes(map(int, target.split(".")))
    return [f for f in capture.frames()
            if f[12:14] == b"\x08\x06" and f[20:22] == struct.pack("!H", op) and f[38:42] == want]


class Under:
    """The namespace at the far end of one uplink: it answers as the test wants."""

    def __init__(self, w, extra="", peers="b", clock=False, hosts=("src", "rx"), conf=None):
        self.ns = w.ns("under")
        text = conf or site_conf(w, "a", hosts, peers, extra, wire="under")
        self.d = w.mcrd(text, name="site-a", clock=clock)
        wait_iface(self.ns, "wan-a")
        w.run("ip", "link", "set", "wan-a", "up", ns=self.ns)
        self.host = Host.__new__(Host)
        self.host.ns, self.host.iface = self.ns, "wan-a"
        self.mac = mac_of(self.ns, "wan-a")
        self.wire = Capture(self.ns, "wan-a")
        self.ports = [Host(w, h, f"10.99.1.{i + 1}/24", canary=False)
                      for i, h in enumerate(hosts)]

    def send(self, frame):
        self.host.inject(frame)

    def answer(self, address):
        """Answer the next ARP request for the address."""
        n = len(arps(self.wire, 1, address))
        req = until(lambda: arps(self.wire, 1, address)[n - 1 if n else 0:], "an ARP request")[-1]
        self.send(arp(2, self.mac, address, req[22:28], UNDERLAY["a"], dst=req[6:12]))


def v16_unresolved_peer(w):
    """MAC unknown: at most one request a second, at most 3 packets wait, others not delayed."""
    u = Under(w, "add member blue 239.6.6.6 any peer site-b\n"
              "add member blue 239.6.6.6 any port rx\n")
    src, rx = u.ports
    start = time.monotonic()
    got = rx.join("239.6.6.6")
    for i in range(20):
        src.send(f"early {i}", "239.6.6.6")
    got.wait(b"early 19")
    until(lambda: len(arps(u.wire, 1, UNDERLAY["b"])) >= 2, "two ARP requests", 5)
    spent = time.monotonic() - start
    check(len(arps(u.wire, 1, UNDERLAY["b"])) <= spent + 2, "more than one request a second")
    u.answer(UNDERLAY["b"])
    u.d.wait_peer("site-b")
    src.send("late", "239.6.6.6")
    until(lambda: u.wire.count(b"late"), "the packet after resolution")
    check(u.wire.count(b"early") <= 3, f"{u.wire.count(b'early')} queued packets came out")


def v17_arp(w):
    """Requests for us are answered, for others not; our address as sender is never learned."""
    u = Under(w)
    them = b"\x02\x11\x11\x11\x11\x11"
    u.send(arp(1, them, "192.0.2.50", bytes(6), "192.0.2.77"))          # for somebody else
    u.send(arp(1, them, UNDERLAY["a"], bytes(6), "192.0.2.77"))         # our address as sender
    bad = bytearray(arp(1, them, "192.0.2.50", bytes(6), UNDERLAY["a"]))
    bad[18] = 8                                                         # hlen
    u.send(bad)
    u.send(arp(1, them, "192.0.2.51", bytes(6), UNDERLAY["a"]))         # the canary
    until(lambda: arps(u.wire, 2, "192.0.2.51"), "the ARP reply")
    replies = [f for f in u.wire.frames() if f[12:14] == b"\x08\x06" and f[20:22] == b"\0\x02"]
    equal(len(replies), 1, "ARP replies")
    equal(replies[0][0:6], them, "destination of the reply")
    equal(replies[0][28:32], bytes(map(int, UNDERLAY["a"].split("."))), "sender address")
    u.send(arp(2, them, "192.0.2.60", u.mac, UNDERLAY["a"]))            # nobody asked
    u.send(arp(1, them, "192.0.2.52", bytes(6), UNDERLAY["a"]))
    until(lambda: arps(u.wire, 2, "192.0.2.52"), "the second reply")
    known = {n["address"] for n in u.d.json("show neighbors")["neighbors"]}
    check(not known & {"192.0.2.50", "192.0.2.60", UNDERLAY["a"]}, f"learned: {known}")
    u.answer(UNDERLAY["b"])
    u.d.wait_peer("site-b")
    new = b"\x02\x22\x22\x22\x22\x22"                                   # gratuitous, of the peer
    u.send(arp(1, new, UNDERLAY["b"], bytes(6), UNDERLAY["b"]))
    until(lambda: any(n["address"] == UNDERLAY["b"] and n["mac"] == "02:22:22:22:22:22"
                      for n in u.d.json("show neighbors")["neighbors"]), "the new MAC is known")


def v18_icmp_echo(w):
    """Echo to the tunnel address: a reply; to a group or in a fragment: none."""
    try:
        from scapy.all import Ether, ICMP, IP, Raw
    except ImportError:
        raise Skip("python3-scapy is not installed")
    u = Under(w)
    u.send(arp(1, u.mac, "192.0.2.9", bytes(6), UNDERLAY["a"]))
    ours = until(lambda: arps(u.wire, 2, "192.0.2.9"), "ARP reply")[0][6:12]

    def echo(seq, dst=UNDERLAY["a"], mac=ours, **ip):
        u.send(bytes(Ether(src=u.mac, dst=mac) / IP(src="192.0.2.9", dst=dst, **ip) /
                     ICMP(id=7, seq=seq) / Raw(b"x" * 32)))
    echo(1, "239.1.1.1", b"\x01\x00\x5e\x01\x01\x01")
    echo(2, flags="MF")
    echo(3, frag=5)
    echo(4)
    replies = []

    def seen():
        replies[:] = [IP(f[14:]) for f in u.wire.frames() if f[12:14] == b"\x08\0" and f[23] == 1]
        return replies
    until(seen, "the echo reply")
    equal([(r.src, r.dst, r[ICMP].type, r[ICMP].seq) for r in replies],
          [(UNDERLAY["a"], "192.0.2.9", 0, 4)], "ICMP packets sent")
    equal(bytes(replies[0][ICMP].payload)[:32], b"x" * 32, "payload of the reply")


def v22_static_neighbor_and_spoofing(w):
    """A static neighbour is never replaced; 10,000 spoofed senders leave no entry (T25)."""
    u = Under(w, f"set neighbor wan {UNDERLAY['b']} mac 02:aa:aa:aa:aa:aa\n"
              "add member blue 239.6.6.6 any peer site-b\n")
    u.d.wait_peer("site-b")
    before = len(u.d.json("show neighbors")["neighbors"])
    for i in range(10000):
        u.send(arp(1 + i % 2, b"\x02\x33\0\0" + struct.pack("!H", i),
                   f"192.0.2.{i % 250 + 2}" if i % 7 else UNDERLAY["b"], bytes(6), UNDERLAY["a"]))
    u.send(arp(1, u.mac, "192.0.2.251", bytes(6), UNDERLAY["a"]))
    until(lambda: arps(u.wire, 2, "192.0.2.251") or
          u.send(arp(1, u.mac, "192.0.2.251", bytes(6), UNDERLAY["a"])), "an answer afterwards")
    rows = u.d.json("show neighbors")["neighbors"]
    equal(len(rows), before, "neighbours after the storm")
    equal([n["mac"] for n in rows if n["address"] == UNDERLAY["b"]], ["02:aa:aa:aa:aa:aa"],
          "MAC of the static neighbour")
    src = u.ports[0]
    src.send("static", "239.6.6.6")
    f = until(lambda: [f for f in u.wire.frames() if b"static" in f], "a tunnel packet")[0]
    equal(f[:6], b"\x02" + b"\xaa" * 5, "its destination MAC")


def t25_arp_storm_does_not_hurt_the_peer(w):
    """The learned peer keeps its MAC through unsolicited replies for other addresses."""
    u = Under(w, "add member blue 239.6.6.6 any peer site-b\n")
    u.answer(UNDERLAY["b"])
    u.d.wait_peer("site-b")
    rows = len(u.d.json("show neighbors")["neighbors"])
    for i in range(2000):
        u.send(arp(2, b"\x02\x44\0\0" + struct.pack("!H", i), f"198.51.100.{i % 250 + 1}", u.mac,
                   UNDERLAY["a"]))
    u.ports[0].send("after", "239.6.6.6")
    f = until(lambda: [f for f in u.wire.frames() if b"after" in f], "a tunnel packet")[0]
    equal(f[:6], u.mac, "its destination MAC")
    equal(len(u.d.json("show neighbors")["neighbors"]), rows, "neighbours")


def t17_unreachable_peer(w):
    """Next hop of one peer gone: down after 3 requests, others lose nothing, back within 2 s."""
    w.wire()
    a, src, rx = site(w, "a", ["src", "rx"], "bc", "add member blue 239.8.8.8 any peer site-b\n"
                      "add member blue 239.8.8.8 any peer site-c\n")
    ends = {}
    for n in "bc":
        ends[n] = w.ns(f"end-{n}")
        w.veth(w.ns("wire"), f"wan-{n}", ends[n], "under")
        w.plug(w.ns("wire"), f"wan-{n}")
        w.run("ip", "addr", "add", f"{UNDERLAY[n]}/24", "dev", "under", ns=ends[n])
        a.wait_peer(f"site-{n}")
    wire = Capture(ends["c"], "under")
    seen_b = Capture(ends["b"], "under")
    local = rx.join("239.8.8.8")
    a.wait_member("239.8.8.8", "10.99.1.2", UNDERLAY["b"], UNDERLAY["c"])
    with stream(src, "239.8.8.8", 200) as sent:
        until(lambda: seen_b.count(b"stream"), "the stream at b")
        w.run("ip", "link", "set", "wan-b", "down", ns=w.ns("wire"))
        a.wait_peer("site-b", "down", limit=16)     # looked at every 10 s, then 3 requests
        mark = sent()
        until(lambda: sent() > mark + 100, "100 packets while b is down")
        w.run("ip", "link", "set", "wan-b", "up", ns=w.ns("wire"))
        start = time.monotonic()
        n = len(seen_b.frames())
        until(lambda: any(b"stream" in f for f in seen_b.frames()[n:]), "b is served again", 5)
        back = time.monotonic() - start
    whole(local, sent(), "the stream at rx")
    def at_c():
        return [i for _, _, _, i in vxlan(wire.frames(), dst=UNDERLAY["c"]) if b"stream " in i]
    until(lambda: len(at_c()) >= sent(), f"all {sent()} packets at c")
    equal(len(at_c()), sent(), "packets at c")
    check(back < 2.5, f"b was served again after {back:.1f} s")


def v7_only_configured_peers(w):
    """VXLAN from a stranger, from our own address, with a foreign VNI: dropped, each counted."""
    try:
        from scapy.all import Ether, IP, Raw, UDP, VXLAN
    except ImportError:
        raise Skip("python3-scapy is not installed")
    u = Under(w, "add segment other vni 200\n")
    rx = u.ports[1]
    got = rx.join(GROUP)
    u.d.wait_member(GROUP, rx.address)
    u.send(arp(1, u.mac, "192.0.2.9", bytes(6), UNDERLAY["a"]))
    ours = until(lambda: arps(u.wire, 2, "192.0.2.9"), "ARP reply")[0][6:12]

    def tunnel(src, vni, text, flags=8):
        u.send(bytes(Ether(src=u.mac, dst=ours) / IP(src=src, dst=UNDERLAY["a"]) /
                     UDP(sport=50000, dport=4789, chksum=0) / VXLAN(flags=flags, vni=vni) /
                     Raw(bytes(Ether(src="02:00:00:00:00:99", dst="01:00:5e:00:00:0b") /
                               IP(src="10.99.2.1", dst=GROUP, ttl=1) /
                               UDP(sport=9, dport=6666) / Raw(text)))))
    u.d.ctl("clear drops")
    tunnel("192.0.2.66", 100, b"stranger")
    tunnel(UNDERLAY["a"], 100, b"ourselves")
    tunnel(UNDERLAY["b"], 200, b"foreign vni")
    tunnel(UNDERLAY["b"], 300, b"unknown vni")
    tunnel(UNDERLAY["b"], 100, b"no flag", flags=0)
    tunnel(UNDERLAY["b"], 100, b"good")
    got.wait(b"good")
    equal(got.take(), [b"good"], "what rx received")
    drops = u.d.drops()
    for reason in ("unknown-peer", "own-address", "vni-not-of-peer", "unknown-vni", "bad-flags"):
        equal(drops[("overlay-in", reason)], 1, f"drops {reason}")


def v13_too_large_is_dropped(w):
    """Inner packet of 1450 bytes fits the tunnel, 1451 is dropped at the peer alone, counted."""
    a, src, rx, b, far, near = two_sites(w)
    here, there = rx.join(GROUP), far.join(GROUP)
    a.wait_member(GROUP, rx.address, UNDERLAY["b"])
    fits, over = b"f" * (1450 - 28), b"o" * (1451 - 28)
    src.send(over, GROUP)
    src.send(fits, GROUP)
    for r in (here, there):
        r.wait(fits)
    equal(there.take(), [fits], "what crossed the tunnel")
    equal(here.take(), [over, fits], "what the local member received")
    equal(a.drops()[("replicate", "mtu")], 1, "drops mtu")
    rows = a.json("show mtu")["mtu"]
    check(any(r["inner_mtu"] == 1450 for r in rows), f"show mtu: {rows}")


def test_sample_sites(w):
    """config/site-a.conf and site-b.conf as they are, on kernel interfaces in two namespaces."""
    need("ethtool")
    nets = [w.ns("site-a"), w.ns("site-b")]
    w.veth(nets[0], "wan0", nets[1], "wan0")
    daemons, hosts = [], []
    for n, ns in zip("ab", nets):
        w.veth(ns, "lan0", w.ns(f"host-{n}"), "eth0")
        with open(f"{CONFIG}/site-{n}.conf") as f:
            daemons.append(w.mcrd(f.read(), name=f"site-{n}",
                                  prefix=("ip", "netns", "exec", ns)))
    for i, n in enumerate("ab"):
        hosts.append(Host(w, f"host-{n}", f"10.{i + 1}.0.2/24", canary=False))
    (a, b), (one, two) = daemons, hosts
    a.wait_peer("site-b")
    b.wait_peer("site-a")
    group = "239.1.2.3"
    there, here = two.join(group), one.join(group)
    a.wait_member(group, one.address, "192.0.2.2", limit=20)
    b.wait_member(group, two.address, "192.0.2.1", limit=20)
    for sender, receiver in ((one, there), (two, here)):
        for i in range(3):
            sender.send(f"{sender.name} {i}", group)
        receiver.wait(f"{sender.name} 2".encode())
        equal(receiver.take(), [f"{sender.name} {i}".encode() for i in range(3)],
              f"what {receiver.host.name} received")
