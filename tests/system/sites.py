# SPDX-License-Identifier: BSD-3-Clause
"""Appliances with an uplink each, joined by a bridge that plays the network between them."""
from hosts import CANARY_GROUP, Host
from lib import BASE

UNDERLAY = {"a": "192.0.2.1", "b": "192.0.2.2", "c": "192.0.2.3"}
NETWORK = {"a": "10.99.1", "b": "10.99.2", "c": "10.99.3"}


def site_conf(w, name, hosts, peers, extra="", wire="wire"):
    """An appliance with one uplink on the wire, and a TAP port for each host."""
    lines = [BASE + f"set system name site-{name}", "add segment blue vni 100",
             f"set segment blue address {NETWORK[name]}.254/24", "set igmp all mode querier",
             f"add port wan dev net_tap9,iface=wan-{name} netns {w.ns(wire)}",
             "set port wan role uplink", f"set port wan address {UNDERLAY[name]}/24"]
    for i, h in enumerate(hosts):
        lines += [f"add port {h} dev net_tap{i},iface=eth0 netns {w.ns(h)}",
                  f"set port {h} segment blue"]
    for p in peers:
        lines += [f"add peer site-{p} address {UNDERLAY[p]}", f"set peer site-{p} uplink wan",
                  f"set peer site-{p} segment blue"]
    return "\n".join(lines) + "\n" + extra


def site(w, name, hosts, peers, extra="", clock=False, canary=True):
    d = w.mcrd(site_conf(w, name, hosts, peers, extra), name=f"site-{name}", clock=clock)
    w.plug(w.ns("wire"), f"wan-{name}")
    return (d, *(Host(w, h, f"{NETWORK[name]}.{i + 1}/24", canary=canary)
                 for i, h in enumerate(hosts)))


def two_sites(w, extra="", clock=False):
    w.wire()
    a, src, rx = site(w, "a", ["src", "rx"], ["b"], extra, clock)
    b, far, near = site(w, "b", ["far", "near"], ["a"], extra, clock)
    a.wait_peer("site-b")
    b.wait_peer("site-a")
    a.wait_member(CANARY_GROUP, src.address, rx.address, UNDERLAY["b"])
    b.wait_member(CANARY_GROUP, far.address, near.address, UNDERLAY["a"])
    return a, src, rx, b, far, near
