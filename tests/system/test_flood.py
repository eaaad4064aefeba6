# SPDX-License-Identifier: BSD-3-Clause
"""Outputs that nobody asked for by IGMP: flooding, peers that want all, static and routed peers."""
from hosts import Capture, lab
from lib import equal, until
from sites import UNDERLAY, site

PEER_MAC = {"b": "02:00:00:00:0b:01", "c": "02:00:00:00:0c:01"}


def to(wire, address, text):
    """Frames on the wire to an outer address that carry the text: their destination MACs."""
    packed = bytes(int(x) for x in address.split("."))
    return [f[:6] for f in wire.frames() if f[12:14] == b"\x08\x00" and f[30:34] == packed
            and text in f]


def test_unknown_flood(w):
    """A group without a member goes to every port of the segment but the one it came from."""
    d, src, rx1, rx2 = lab(w, ["src", "rx1", "rx2"], "set segment lab unknown flood\n")
    wires = [Capture(h.ns, "eth0") for h in (rx1, rx2)]
    back = Capture(src.ns, "eth0")
    src.send("for everybody", "239.77.0.1")
    for wire in wires:
        until(lambda: wire.count(b"for everybody") == 1, "one flooded copy")
    equal(back.count(b"for everybody"), 0, "copies back to the sender")
    d.ctl("del segment lab unknown")
    src.send("for nobody", "239.77.0.1")
    src.send("canary", "239.255.0.99", 7777)
    until(lambda: d.drops()[("lookup", "no-member")] >= 1, "the drop is counted")
    equal([wire.count(b"for nobody") for wire in wires], [0, 0], "copies after del")


def test_membership_all_and_static(w):
    """b gets every packet of the segment, c what its add member line says; neither is asked."""
    w.wire()
    extra = ("set peer site-b membership all\nset peer site-c membership static\n"
             "add member blue 239.5.5.5 any peer site-c\n" +
             "".join(f"set neighbor wan {UNDERLAY[p]} mac {PEER_MAC[p]}\n" for p in "bc"))
    a, src = site(w, "a", ["src"], "bc", extra)
    wire = Capture(w.ns("wire"), "wan-a")
    a.wait_peer("site-b")
    a.wait_peer("site-c")
    src.send("joined by none", "239.6.6.6")
    src.send("static member", "239.5.5.5")
    until(lambda: len(to(wire, UNDERLAY["c"], b"static member")) == 1, "the static member's copy")
    until(lambda: len(to(wire, UNDERLAY["b"], b"static member")) == 1, "the copy of all")
    until(lambda: len(to(wire, UNDERLAY["b"], b"joined by none")) == 1, "the unknown group to b")
    equal(to(wire, UNDERLAY["c"], b"joined by none"), [], "unknown group to c")
    mac = bytes.fromhex(PEER_MAC["c"].replace(":", ""))
    equal(to(wire, UNDERLAY["c"], b"static member"), [mac], "MAC of the static neighbour")


def test_peer_behind_a_router(w):
    """The most specific route gives the next hop; its MAC is on the frame, the peer in the header."""
    w.wire()
    extra = ("set route 0.0.0.0/0 via 192.0.2.253\nset route 198.51.100.0/24 via 192.0.2.254\n"
             "set neighbor wan 192.0.2.254 mac 02:00:00:00:fe:01\n"
             "add peer remote address 198.51.100.9\nset peer remote segment blue\n"
             "set peer remote membership static\nadd member blue 239.5.5.5 any peer remote\n")
    a, src = site(w, "a", ["src"], "", extra)
    wire = Capture(w.ns("wire"), "wan-a")
    a.wait_peer("remote")
    src.send("through a router", "239.5.5.5")
    until(lambda: to(wire, "198.51.100.9", b"through a router") ==
          [bytes.fromhex("02000000fe01")], "one copy by way of the router")
