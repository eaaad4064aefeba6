# SPDX-License-Identifier: BSD-3-Clause
"""One appliance, hosts on TAP ports in namespaces: joins, copies, leaves, timers, flaps.

    src 10.99.0.1 --+
    rx1 10.99.0.2 --+-- mcrd, segment lab, querier 10.99.0.254
    rx2 10.99.0.3 --+
"""
import glob
import json
import re
import struct
import time

from hosts import (CANARY_GROUP, GROUP, Capture, Host, deliver, expires, go_silent, lab, lab_conf,
                   stream, warp, whole)
from lib import BASE, Fail, Skip, check, equal, inside, need, until

HELLO = b"hello, multicast!\n"


def socat_receiver(world, host, group=GROUP):
    """The very command of the README, output in a file named after the host."""
    out = f"{host.name}.{group}.txt"
    world.spawn("socat", f"UDP4-RECVFROM:6666,ip-add-membership={group}:0.0.0.0,fork", "-",
                ns=host.ns, out=out)
    return out


def socat_send(world, host, text="hello, multicast!", group=GROUP):
    world.run("sh", "-c", f'echo "{text}" | socat -u - UDP4-DATAGRAM:{group}:6666', ns=host.ns)


def test_three_receivers_one_copy_each(w):
    """socat on both sides: exactly one copy for each; who leaves gets no more."""
    need("socat")
    d, src, rx1, rx2, rx3 = lab(w, ["src", "rx1", "rx2", "rx3"],
                                "set igmp rx2 fast-leave on\n")
    hosts = (rx1, rx2, rx3)
    out = [socat_receiver(w, h) for h in hosts]
    d.wait_member(GROUP, *(h.address for h in hosts))
    wires = [Capture(h.ns, "eth0") for h in hosts]
    socat_send(w, src)
    until(lambda: all(w.text(o) == "hello, multicast!\n" for o in out), "three texts arrived", 5)
    src.send("canary", CANARY_GROUP, 7777)
    for h in hosts:
        h.canary.wait(b"canary")
    equal([c.count(HELLO) for c in wires], [1, 1, 1], "copies on the wire of rx1, rx2, rx3")

    w.procs[1].terminate()
    d.wait_member(GROUP, rx1.address, rx3.address)
    socat_send(w, src, "second")
    until(lambda: all(w.text(out[i]).endswith("second\n") for i in (0, 2)), "second text", 5)
    src.send("canary2", CANARY_GROUP, 7777)
    for h in hosts:
        h.canary.wait(b"canary2")
    equal([c.count(b"second\n") for c in wires], [1, 0, 1], "copies after rx2 left")
    equal([w.text(o) for o in (out[0], out[2])], ["hello, multicast!\nsecond\n"] * 2, "texts")


def test_leave_is_verified_by_query(w):
    """Without fast-leave a leave is followed by group queries, then the copies stop (Q1)."""
    d, src, rx1, rx2 = lab(w, ["src", "rx1", "rx2"], "set igmp all last-member-interval 200\n")
    a, b = rx1.join(GROUP), rx2.join(GROUP)
    d.wait_member(GROUP, rx1.address, rx2.address)
    deliver(src, GROUP, [a, b])
    wire = Capture(rx2.ns, "eth0")
    b.leave()
    d.wait_member(GROUP, rx1.address)

    def copies(i=[0]):
        """Of one more packet: how many copies go to rx2?"""
        i[0] += 1
        text = b"after the leave %d" % i[0]
        src.send(text, GROUP)
        a.wait(text)
        src.send(text, CANARY_GROUP, 7777)
        rx2.canary.wait(text)
        return wire.count(text) - 1     # one is the canary
    until(lambda: copies() == 0, "no copies for rx2 any more", 2)
    equal(copies(), 0, "copies for rx2")
    queries = [f for f in wire.frames() if f[14 + 9] == 2 and b"\xe1\x00\x00\x0b" in f[30:34]]
    equal(len(queries), 2, "group-specific queries heard by rx2")


def test_sources_are_told_apart(w):
    """IP_ADD_SOURCE_MEMBERSHIP: only the wanted sender's packets arrive (S15)."""
    d, one, two, rx = lab(w, ["one", "two", "rx"])
    want = rx.join("232.1.1.1", source=one.address)
    until(lambda: any(g["group"] == "232.1.1.1" and g["source"] == one.address
                      for g in d.json("show groups")["groups"]), "(S,G) in show groups")
    two.send("wrong source", "232.1.1.1")
    two.send("first canary", CANARY_GROUP, 7777)
    rx.canary.wait(b"first canary")
    one.send("right source", "232.1.1.1")
    want.wait(b"right source")
    equal(want.take(), [b"right source"], "packets of 232.1.1.1 at rx")


def test_hosts_of_every_igmp_version(w):
    """Hosts that the kernel holds to IGMPv1, v2 and v3 join, receive and leave."""
    names = ["src", "v1", "v2", "v3"]
    d = w.mcrd(lab_conf(w, names, "set igmp all last-member-interval 200\n"))
    src = Host(w, "src", "10.99.0.1/24")
    hosts = [Host(w, n, f"10.99.0.{i + 2}/24", igmp=i + 1) for i, n in enumerate(names[1:])]
    recv = [h.join(GROUP) for h in hosts]
    d.wait_member(GROUP, *(h.address for h in hosts))
    d.wait_member(CANARY_GROUP, src.address, *(h.address for h in hosts))
    seen = {r["subscriber"]: r["protocol_version"]
            for r in d.json("show subscriber list all detail")["subscribers"]
            if r["group"] == GROUP}
    equal(seen, {hosts[0].address: 1, hosts[1].address: 2, hosts[2].address: 3}, "versions")
    deliver(src, GROUP, recv)
    for r in recv[1:]:
        r.leave()
    d.wait_member(GROUP, hosts[0].address)      # IGMPv1 has no leave
    deliver(src, GROUP, recv[:1])


def test_listing_words_and_columns(w):
    """`show group list` and `show subscriber list`: the words and columns people know."""
    d, src, rx1, rx2 = lab(w, ["src", "rx1", "rx2"], canary=False)
    a, b = rx1.join("239.1.1.1"), rx2.join("239.1.1.1")
    c = rx1.join("232.1.1.1", source="10.99.0.1")
    d.wait_member("239.1.1.1", "10.99.0.2", "10.99.0.3")
    d.wait_member("232.1.1.1", "10.99.0.2")
    equal([line.rstrip() for line in d.ctl("show group list").splitlines()],
          ["Group Address", "232.1.1.1", "239.1.1.1"], "show group list")
    rows = [re.split(r"  +", line.rstrip()) for line
            in d.ctl("show subscriber list all").splitlines()]
    equal(rows, [["Group", "Subscriber", "Type"],
                 ["232.1.1.1", "10.99.0.2", "Local Endpoint"],
                 ["239.1.1.1", "10.99.0.2", "Local Endpoint"],
                 ["239.1.1.1", "10.99.0.3", "Local Endpoint"]], "show subscriber list all")
    rows = [re.split(r"  +", line.rstrip()) for line
            in d.ctl("show subscriber list 232.1.1.1").splitlines()]
    equal(rows[1:], [["232.1.1.1", "10.99.0.2", "Local Endpoint"]], "the list of one group")
    for r in (a, b, c):
        r.leave()
    until(lambda: d.json("show groups")["groups"] == [], "no groups any more")
    equal(d.ctl("show groups").split("\n")[1], "0 groups", "an empty listing")
    d.ctl("set segment lab allow 239.9.9.9/32")
    lines = [line.rstrip() for line in d.ctl("show group list").splitlines()]
    equal(lines, ["Group Address", "239.9.9.9"], "a group with an allow line of its own")


def test_events_tell_joins_and_leaves(w):
    d, src, rx = lab(w, ["src", "rx"], "set igmp rx fast-leave on\n", canary=False)
    w.spawn(w.bindir + "/mcrctl", "-s", d.sock, "events", out="events")

    def seen():
        return [json.loads(line) for line in w.text("events").splitlines()]

    def poke():         # the subscription is there when a commit is seen
        d.ctl("set log level all info")
        return seen()
    until(poke, "first event")
    r = rx.join(GROUP)
    until(lambda: any(e["event"] == "join" and e["group"] == GROUP and e["port"] == "rx"
                      and e["address"] == rx.address for e in seen()), "the join event")
    r.leave()
    until(lambda: any(e["event"] == "leave" and e["group"] == GROUP for e in seen()), "the leave")
    until(lambda: any(e["event"] == "group-gone" for e in seen()), "group-gone")
    names = [e["event"] for e in seen() if e.get("group") == GROUP]
    check(names.index("group-new") < names.index("group-gone"), f"order of events: {names}")


def test_killed_receiver_costs_only_itself(w):
    need("socat")
    d, src, rx1, rx2 = lab(w, ["src", "rx1", "rx2"])
    keep = rx1.join(GROUP)
    socat_receiver(w, rx2)
    d.wait_member(GROUP, rx1.address, rx2.address)
    with stream(src, GROUP) as sent:
        until(lambda: sent() > 200, "200 packets")
        w.procs[-1].kill()
        end = sent() + 500
        until(lambda: sent() > end, "500 packets more")
    whole(keep, sent(), "the stream at rx1")
    drops = {k: n for k, n in d.drops().items() if k[0] in ("replicate", "transmit") and n}
    equal(drops, {}, "drops of copies")


def full_sockets(host):
    """Datagrams that the host's own kernel dropped because a program did not read in time."""
    with inside(host.ns), open("/proc/thread-self/net/snmp") as f:
        keys, values = [line.split() for line in f if line.startswith("Udp:")]
    return int(dict(zip(keys, values))["RcvbufErrors"])


def test_iperf_loses_nothing(w):
    """iperf 2: 5 s of 10 Mbit/s to two receivers, 0 lost on the way."""
    need("iperf")
    d, src, rx1, rx2 = lab(w, ["src", "rx1", "rx2"], canary=False)
    for h in (rx1, rx2):
        w.spawn("iperf", "-s", "-u", "-B", "239.5.5.5", "-i", "1", ns=h.ns, out=h.name)
    d.wait_member("239.5.5.5", rx1.address, rx2.address)
    w.run("iperf", "-c", "239.5.5.5", "-u", "-T", "4", "-b", "10M", "-l", "1400", "-t", "5",
          ns=src.ns)
    for h in (rx1, rx2):
        def total():
            return re.findall(r"0\.00+-[45]\.\d+ sec .*?(\d+)/ *(\d+) \(", w.text(h.name))
        lost, sent = until(total, f"iperf report of {h.name}", 8)[-1]
        check(int(sent) > 4000, f"{h.name} saw {sent} datagrams")
        equal(int(lost) - full_sockets(h), 0, f"datagrams lost on the way to {h.name}")


def test_two_workers_share_two_cpus(w):
    """As many workers as CPUs: the main thread shares a CPU with the first."""
    base = BASE.replace("workers 1", "workers 2")
    d, src, rx1, rx2 = lab(w, ["src", "rx1", "rx2"], base=base)
    rows = d.json("show workers")["workers"]
    equal(len(rows), 2, "workers")
    a, b = rx1.join(GROUP), rx2.join(GROUP)
    d.wait_member(GROUP, rx1.address, rx2.address)
    with stream(src, GROUP) as sent:
        until(lambda: sent() > 1000, "1000 packets")
    whole(a, sent(), "the stream at rx1")
    whole(b, sent(), "the stream at rx2")
    deliver(src, GROUP, [a, b])


def test_900_seconds_keep_the_living_and_drop_the_silent(w):
    d, src, rx1, rx2 = lab(w, ["src", "rx1", "rx2"], "set igmp all response-interval 1\n",
                           clock=True)
    a, b = rx1.join(GROUP), rx2.join(GROUP)
    d.wait_member(GROUP, rx1.address, rx2.address)
    d.ctl("clock stop")
    go_silent(rx2)
    b.leave()
    rx2.canary.leave()
    rx2.canary = None
    warp([d], 900, 100, lambda: expires(d, GROUP).get(rx1.address, 0) > 150 and
         expires(d, CANARY_GROUP).get(src.address, 0) > 150)
    equal([x for _, x, _ in d.subscribers(GROUP)], [rx1.address], "members after 900 s")
    deliver(src, GROUP, [a])
    clock = d.json("show clock")
    check(clock["warped_seconds"] >= 900, f"show clock: {clock}")


def test_clock_needs_test_clock(w):
    d, = lab(w, [])
    d.refused("clock warp 1", 1, "--test-clock")
    d.refused("clock stop", 1, "--test-clock")


def sn12_static_member_stays(w):
    """A static member survives silence, a flap, clear, and a reload."""
    d, src, rx = lab(w, ["src", "rx"], "add member lab 239.7.7.7 any port rx\n", clock=True)
    wire = Capture(rx.ns, "eth0")
    equal(d.subscribers("239.7.7.7"), [("239.7.7.7", "rx", "Local Endpoint")], "subscriber")

    def arrives(text):
        src.send(text, "239.7.7.7")
        until(lambda: wire.count(text.encode()) == 1, f"{text} at rx")
    arrives("first")
    d.ctl("clear group lab all")
    arrives("after clear")
    d.ctl("clock warp 900")
    arrives("after expiry")
    d.ctl("set port rx admin down")
    d.ctl("set port rx admin up")
    arrives("after flap")
    d.ctl("reload")
    arrives("after reload")
    d.ctl("del member lab 239.7.7.7 any port rx")
    equal(d.subscribers("239.7.7.7"), [], "subscribers after del")


def flap(host, seconds, rate=10):
    """The kernel's side of the port goes down and up, `rate` times a second."""
    for i in range(seconds * rate):
        start = time.monotonic()
        host.run("ip", "link", "set", "eth0", "down" if i % 2 == 0 else "up")
        time.sleep(max(0, 1 / rate - (time.monotonic() - start)))
    host.run("ip", "route", "replace", "224.0.0.0/4", "dev", "eth0")


def r15_two_hundred_flaps(w):
    """200 flaps of one port at 10/s: the stream to another port loses nothing (T16)."""
    d, src, rx1, rx2 = lab(w, ["src", "rx1", "rx2"])
    keep = rx1.join(GROUP)
    d.wait_member(GROUP, rx1.address)
    with stream(src, GROUP, 300) as sent:
        flap(rx2, 20)
    whole(keep, sent(), "the stream at rx1")
    back = rx2.join(GROUP)
    d.wait_member(GROUP, rx1.address, rx2.address)
    d.wait_member(CANARY_GROUP, src.address, rx1.address, rx2.address, limit=15)
    deliver(src, GROUP, [keep, back])


def t16_port_down_up_added_removed(w):
    """A port goes down, up, away and comes again: the state of others stays, it is asked again."""
    d, src, rx1, rx2 = lab(w, ["src", "rx1", "rx2"], "set igmp all response-interval 1\n")
    keep = rx1.join(GROUP)
    gone = rx2.join(GROUP)
    d.wait_member(GROUP, rx1.address, rx2.address)
    with stream(src, GROUP, 300) as sent:
        for _ in range(10):
            d.ctl("set port rx2 admin down")
            d.wait_member(GROUP, rx1.address)
            d.ctl("set port rx2 admin up")
        d.wait_member(GROUP, rx1.address, rx2.address)      # queried when up again
        d.wait_member(CANARY_GROUP, src.address, rx1.address, rx2.address)
        for i in range(5):
            ns = w.ns(f"extra{i}")
            d.batch(f"add port extra dev net_tap9,iface=eth0 netns {ns}",
                    "set port extra segment lab")
            host = Host(w, f"extra{i}", "10.99.0.50/24", canary=False)
            r = host.join(GROUP)
            d.wait_member(GROUP, rx1.address, rx2.address, host.address)
            d.batch("del port extra segment", "del port extra")
            d.wait_member(GROUP, rx1.address, rx2.address)
            r.leave()
    whole(keep, sent(), "the stream at rx1")
    gone.take()
    deliver(src, GROUP, [keep, gone])


def f14_unwanted_data_is_counted(w):
    """Data of a group that nobody joined: counted as no-member, no state, no copy."""
    d, src, rx = lab(w, ["src", "rx"])
    wire = Capture(rx.ns, "eth0")
    d.ctl("clear drops")
    for i in range(91):
        src.send(f"unwanted {i}", "239.200.0.1")
    src.send("canary", CANARY_GROUP, 7777)
    rx.canary.wait(b"canary")
    equal(d.drops()[("lookup", "no-member")], 91, "drops no-member")
    equal(wire.count(b"unwanted"), 0, "copies")
    check("239.200.0.1" not in d.ctl("show groups"), "an unwanted group got state")


def f4_allow_and_deny_are_the_boundary(w):
    """A scope ends where the segment's lines say: neither joins nor data pass."""
    d, src, rx = lab(w, ["src", "rx"], "set segment lab allow 239.0.0.0/8\n"
                     "set segment lab deny 239.255.255.250/32\n")
    good, ssdp, other = rx.join("239.1.2.3"), rx.join("239.255.255.250"), rx.join(GROUP)
    d.wait_member("239.1.2.3", rx.address)
    for group in ("239.255.255.250", GROUP):
        src.send("refused", group)
    deliver(src, "239.1.2.3", [good], [ssdp, other])
    equal(d.subscribers(GROUP) + d.subscribers("239.255.255.250"), [], "refused members")
    check(d.drops()[("policy", "not-allowed")] >= 2, "policy not-allowed is not counted")
    d.ctl("set segment lab deny 239.1.0.0/16")
    equal(d.subscribers("239.1.2.3"), [], "members of a group that is refused from now on")


def n_vlan_frame(vid, payload, dst="239.4.4.4", src="10.99.0.1"):
    from scapy.all import Dot1Q, Ether, IP, UDP
    return bytes(Ether(src="02:00:00:00:00:77", dst="01:00:5e:04:04:04") / Dot1Q(vlan=vid) /
                 IP(src=src, dst=dst, ttl=4) / UDP(sport=5, dport=6666) / payload)


def px13_vlans_of_one_port_are_apart(w):
    """VLAN 10 and 20 of a port in two segments: joins and data do not mix."""
    try:
        from scapy.all import Dot1Q, Ether, IP, Raw  # noqa: F401
    except ImportError:
        raise Skip("python3-scapy is not installed")
    d = w.mcrd(BASE + f"""
add segment red vni 10
add segment blue vni 20
set segment red address 10.10.0.254/24
set segment blue address 10.20.0.254/24
add port trunk dev net_tap0,iface=eth0 netns {w.ns("trunk")}
add port out dev net_tap1,iface=eth0 netns {w.ns("out")}
set port trunk vlan 10 segment red
set port trunk vlan 20 segment blue
set port out vlan 10 segment red
set port out vlan 20 segment blue
set igmp all mode querier
""")
    trunk, out = (Host(w, n, "10.99.0.1/24", canary=False) for n in ("trunk", "out"))
    wire = Capture(out.ns, "eth0")

    def report(host, vid, group, src):
        body = struct.pack("!BBHHH", 0x22, 0, 0, 0, 1) + \
            struct.pack("!BBH4s", 4, 0, 0, bytes(map(int, group.split("."))))
        total = sum(struct.unpack(f"!{len(body) // 2}H", body))
        total = (total & 0xffff) + (total >> 16)
        body = body[:2] + struct.pack("!H", ~total & 0xffff) + body[4:]
        host.inject(Ether(src="02:00:00:00:00:78", dst="01:00:5e:00:00:16") / Dot1Q(vlan=vid) /
                    IP(src=src, dst="224.0.0.22", ttl=1, tos=0xc0, proto=2,
                       options=[b"\x94\x04\x00\x00"]) / Raw(body))
    report(out, 10, "239.4.4.4", "10.10.0.7")
    d.wait_member("239.4.4.4", "10.10.0.7")
    report(out, 20, "239.9.9.9", "10.20.0.7")
    d.wait_member("239.9.9.9", "10.20.0.7")
    trunk.inject(n_vlan_frame(20, b"wrong vlan"))
    trunk.inject(n_vlan_frame(30, b"unmapped"))
    trunk.inject(n_vlan_frame(10, b"right vlan"))
    until(lambda: wire.count(b"right vlan"), "the frame of VLAN 10")
    equal(wire.count(b"wrong vlan") + wire.count(b"unmapped"), 0, "frames of other VLANs")
    frame = [f for f in wire.frames() if b"right vlan" in f][0]
    equal(d.drops()[("parse", "unknown-vlan")], 1, "drops unknown-vlan")
    ports = {i["port"] for i in d.json("show igmp interfaces")["interfaces"]}
    check({"trunk.10", "trunk.20", "out.10", "out.20"} <= ports, f"instances: {ports}")
    # The kernel takes the tag out of the frame; the next capture layer sees it as metadata.
    check(frame[12:14] in (b"\x81\x00", b"\x08\x00"), f"frame {frame[:18].hex()}")


def test_hidden_tun_is_a_sentence(w):
    """No /dev/net/tun (a container): what is missing, where, and how to repair it."""
    conf = w.write("c.conf", lab_conf(w, ["rx1"]))
    out = w.run("unshare", "-m", "sh", "-c",
                f"mount -t tmpfs none /dev/net && exec {w.bindir}/mcrd -c {conf} -s {w.path('s')};",
                ok=False)
    for part in ("/dev/net/tun is missing", "c.conf:", "fix:", "mknod /dev/net/tun"):
        check(part in out, f"message lacks {part!r}: {out}")
    code = w.run("unshare", "-m", "sh", "-c", f"mount -t tmpfs none /dev/net && {w.bindir}/mcrd"
                 f" -c {conf} -s {w.path('s')} >/dev/null 2>&1; echo $?").strip()
    check(code in ("4", "5", "71"), f"exit code {code}")


def l6_no_echo_to_the_sender(w):
    """A sender that is a member itself does not get its own packet back."""
    d, src, rx = lab(w, ["src", "rx"])
    own, other = src.join(GROUP), rx.join(GROUP)
    d.wait_member(GROUP, src.address, rx.address)
    wires = [Capture(h.ns, "eth0") for h in (src, rx)]
    for sender, receiver in ((src, other), (rx, own)):
        deliver(sender, GROUP, [receiver])
    for sender, h in ((src, rx), (rx, src)):    # canaries, so that both wires are quiet
        sender.send("the end", CANARY_GROUP, 7777)
        h.canary.wait(b"the end")
    equal([c.count(b"data ") for c in wires], [1, 1], "frames with data at src and at rx")


def f8_packets_pass_unchanged(w):
    """TTL 1, DSCP, ECN, ID, DF, options and fragments: not a byte changes (F2 F7)."""
    try:
        from scapy.all import Ether, IP, IPOption, Raw, UDP, fragment
    except ImportError:
        raise Skip("python3-scapy is not installed")
    d, src, rx = lab(w, ["src", "rx"], "add member lab 239.4.4.4 any port rx\n")
    wire = Capture(rx.ns, "eth0")

    def packet(size=40, **ip):
        return IP(src=src.address, dst="239.4.4.4", **ip) / UDP(sport=9, dport=9) / Raw(b"z" * size)
    sent = [packet(ttl=1), packet(ttl=255, tos=0xff), packet(id=0, flags="DF"), packet(size=0),
            packet(id=0xffff, tos=0x01), packet(size=1472), packet(size=91, tos=0xb8),
            packet(options=IPOption(b"\x94\x04\0\0")), *fragment(packet(size=3000, id=7), 1400)]
    sent = [bytes(p) for p in sent]
    for p in sent:
        src.inject(bytes(Ether(src=src.mac, dst="01:00:5e:04:04:04", type=0x800)) + p)
    src.send("last", "239.4.4.4")
    until(lambda: wire.count(b"last"), "the canary")
    got = [f for f in wire.frames() if f[:6] == b"\x01\0\x5e\4\4\4" and b"last" not in f]
    equal(len(got), len(sent), "frames at rx")
    for want, seen in zip(sent, got):
        equal(seen[14:14 + len(want)].hex(), want.hex(), "an IP packet at rx")
        equal(seen[6:12], src.mac, "source MAC")


def queries(capture):
    """The IP packets of the general queries that were captured."""
    return [f[14:] for f in capture.frames() if f[:6] == b"\x01\0\x5e\0\0\1" and f[23] == 2]


def d2_startup_queries(w):
    """General queries at 0, 31.25 and 156.25 s, then every 125 s; their form (O1 O3 O4)."""
    d, src = lab(w, ["src"], clock=True, canary=False)
    d.ctl("clock stop")
    d.ctl("clock warp 1 ms")        # what the start sent is on the wire now
    wire = Capture(src.ns, "eth0")
    d.ctl("set port src admin down")
    d.ctl("set port src admin up")
    until(lambda: queries(wire), "the first query")
    for step, total in ((31249, 1), (2, 2), (124998, 2), (2, 3), (124998, 3), (2, 4), (250000, 6)):
        d.ctl(f"clock warp {step} ms")
        until(lambda: len(queries(wire)) >= total, f"{total} queries")
        equal(len(queries(wire)), total, f"queries after a step of {step} ms")
    for ip in queries(wire):
        equal(ip[:2], b"\x46\xc0", "version, header length, TOS")
        equal(ip[8], 1, "TTL")
        equal(ip[12:24], bytes((10, 99, 0, 254, 224, 0, 0, 1, 0x94, 4, 0, 0)),
              "source, destination, Router Alert")
        equal(int.from_bytes(ip[2:4], "big"), 36, "IP length")
        equal(ip[24:26] + ip[28:36], b"\x11\x64" + bytes(4) + b"\x02\x7d\0\0", "the query")


def r23_every_packet_is_accounted_for(w):
    """Received = forwarded + dropped by cause; sent = copies; to the packet."""
    d, src, rx1, rx2 = lab(w, ["src", "rx1", "rx2"], canary=False)
    a, b = rx1.join(GROUP), rx2.join(GROUP)
    d.wait_member(GROUP, rx1.address, rx2.address)

    def ports():
        return {p["port"]: p for p in d.json("show ports")["ports"]}
    before, drops = ports(), d.drops()
    for i in range(200):
        src.send(f"wanted {i}", GROUP)
        if i % 2:
            src.send(f"unwanted {i}", "239.200.0.1")
    a.wait(b"wanted 199")
    b.wait(b"wanted 199")

    def exact():
        after = ports()
        equal(after["src"]["receive_packets"] - before["src"]["receive_packets"], 300, "received")
        for p in ("rx1", "rx2"):
            equal(after[p]["transmit_packets"] - before[p]["transmit_packets"], 200, f"sent by {p}")
        new = {k: n - drops[k] for k, n in d.drops().items() if n != drops[k]}
        equal(new, {("lookup", "no-member"): 100}, "drops")
        return True
    until(exact, "counters are exact", 2)
    group = [g for g in d.json("show groups")["groups"] if g["group"] == GROUP][0]
    equal((group["receive_packets"], group["transmit_packets"]), (200, 400), "of the group")


def sleeps(d):
    """How often the worker's thread went to sleep of its own accord so far."""
    for task in glob.glob(f"/proc/{d.proc.pid}/task/*"):
        with open(task + "/comm") as f:
            if not f.read().startswith(("rte-worker", "lcore-worker")):
                continue
        with open(task + "/status") as f:
            return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", f.read(), re.M).group(1))
    raise Fail("no worker thread")


def turns_while_idle(d):
    """Sleeps of the worker between two events a second apart."""
    before, start = sleeps(d), time.monotonic()
    until(lambda: time.monotonic() - start > 1, "a second")
    return sleeps(d) - before


def test_idle_interrupt_waits_for_frames(w):
    """Between frames the worker sleeps without naps; frames, and what main sends, wake it."""
    d, src, rx = lab(w, ["src", "rx"])
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    napping = turns_while_idle(d)
    d.ctl("set system idle interrupt")
    equal([r["idle"] for r in d.json("show workers")["workers"]], ["interrupt"], "idle mode")
    deliver(src, GROUP, [got])
    waiting = turns_while_idle(d)
    check(3 * waiting < napping, f"sleeps in a second: {napping} with naps, {waiting} without")
    for _ in range(20):
        deliver(src, GROUP, [got])
    turns_while_idle(d)
    deliver(src, GROUP, [got])
    # What the main lcore makes wakes it, too: the query after a leave.
    got.leave()
    d.wait_member(GROUP, limit=5)
    # A port that comes while the worker waits is polled, and one without a descriptor ends the wait.
    d.ctl("add port blank dev net_null5,no-rx=1")
    check(turns_while_idle(d) > 2 * waiting, "a port without a descriptor has to be polled")
    d.ctl("del port blank")
    again = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    deliver(src, GROUP, [again])
    for mode in ("poll", "sleep", "interrupt"):
        d.ctl("set system idle " + mode)
        deliver(src, GROUP, [again])


def test_mtu_changes_in_place(w):
    """A new mtu of a running port costs no frame and no member; too large a one is refused."""
    d, src, rx = lab(w, ["src", "rx"])
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)

    def mtus():
        shown = {p["port"]: p["mtu"] for p in d.json("show ports")["ports"]}["rx"]
        return shown, int(re.search(r"mtu (\d+)", rx.run("ip", "link", "show", "eth0")).group(1))

    with stream(src, GROUP, 200) as sent:
        for mtu in (1400, 1000, 1500):
            d.ctl(f"set port rx mtu {mtu}")
            equal(mtus(), (mtu, mtu), "mtu of the port and of its interface")
        d.refused("set port rx mtu 9000", 1, "port rx", "mtu 9000", "1500", "fix:")
        equal(mtus(), (1500, 1500), "mtu after a refused one")
        d.ctl("set port rx mtu 1400")
        d.ctl("del port rx mtu")
        equal(mtus(), (1500, 1500), "mtu of the device again")
        until(lambda: sent() > 50, "some packets")
    whole(got, sent(), "the stream at rx")
    deliver(src, GROUP, [got])
    # Members are held to it at once.
    d.ctl("set port rx mtu 1000")
    d.ctl("clear drops")
    src.send(b"x" * 1200, GROUP)
    deliver(src, GROUP, [got])
    equal(d.drops()[("replicate", "mtu")], 1, "drops mtu")


def test_events_tell_ports(w):
    """An administrator's down and up are events like those of a link."""
    d, _rx = lab(w, ["rx"])
    out = w.spawn(d.cmd[0].replace("mcrd", "mcrctl"), "-s", d.sock, "events", out="events")
    d.ctl("show status")

    def seen():
        return [e["event"] for e in map(json.loads, w.text("events").splitlines())
                if e.get("port") == "rx" and e["event"].startswith("port-")]
    # The subscription is there when a change is seen.
    until(lambda: d.ctl("set port rx admin down") == "" and d.ctl("set port rx admin up") == "" and
          len(seen()) >= 2, "events of the port")
    check(seen()[:2] == ["port-down", "port-up"], f"events: {seen()}")
    check(out.poll() is None, "mcrctl events ended")


def test_killed_daemon_starts_again_at_once(w):
    """kill -9 leaves nothing that the next start stumbles over, however soon it comes."""
    d, src, rx = lab(w, ["src", "rx"])
    d.proc.kill()
    d.ended = True
    again = w.mcrd(w.text("mcrd.conf"), name="again", args=("-s", d.sock), ready=False)
    again.sock = d.sock
    again.wait_ready()
    d.proc.wait(5)
    equal({p["port"]: p["state"] for p in again.json("show ports")["ports"]},
          {"src": "up", "rx": "up"}, "ports")
    for h in (src, rx):
        h.canary = None
