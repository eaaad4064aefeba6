# SPDX-License-Identifier: BSD-3-Clause
"""Listings: columns and words of the text, keys of the JSON, what `clear` forgets."""
import json
import os
import re

from hosts import GROUP, Host, deliver, lab
from lib import BASE, check, equal, until
from sites import UNDERLAY, site, two_sites

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "json.md")

# What each command of the page needs behind its words.
ARGUMENTS = {"show port": "src", "show segment": "blue", "show groups segment": "blue",
             "show group": GROUP, "show subscriber list": GROUP, "show peer": "site-b",
             "show log": "1000"}


def documented():
    """{command: set of keys} of docs/json.md."""
    pages, commands = {}, []
    with open(DOCS) as f:
        for line in f:
            if line.startswith("## "):
                commands = line[3:].strip().split(", ")
                pages.update({c: set() for c in commands})
            row = re.match(r"\| `([^`]+)` \|", line)
            if row:
                for c in commands:
                    pages[c].add(row[1])
    return pages


def keys_of(value, path=""):
    """(keys, arrays without an element) of a JSON value."""
    keys, empty = set(), set()
    if isinstance(value, dict):
        for k, v in value.items():
            below, none = keys_of(v, f"{path}.{k}" if path else k)
            keys |= below
            empty |= none
    elif isinstance(value, list):
        if not value:
            empty.add(path + "[]")
        for v in value:
            below, none = keys_of(v, path + "[]")
            keys |= below
            empty |= none
    else:
        keys.add(path)
    return keys, empty


def check_keys(d, command, wanted):
    batch = command in ("show config candidate", "show config diff")
    line = " ".join(filter(None, (command, ARGUMENTS.get(command), "json")))
    if batch:
        code, out = d.try_ctl(options=("-e",), stdin=f"begin\nset port src mtu 1400\n{line}\nabort\n")
        equal(code, 0, f"exit code of {line}")
        out = out[out.index("{"):out.rindex("}") + 1]
    else:
        out = d.ctl(line)
        equal(out.count("\n"), 1, f"lines of {line}")
    root = json.loads(out)
    equal(next(iter(root)), "version", f"first key of {line}")
    equal(root.pop("version"), 1, f"version of {line}")
    keys, empty = keys_of(root)
    equal(sorted(keys - wanted), [], f"{line}: keys that docs/json.md does not name")
    unseen = {k for k in wanted - keys if not any(k.startswith(e) for e in empty)}
    equal(sorted(unseen), [], f"{line}: documented keys that are missing")
    return {k for k in wanted - keys}


def test_json_keys_are_documented(w):
    """Every core `show ... json` against docs/json.md, with something in every listing."""
    a, src, rx, _, far, _ = two_sites(w, "set segment blue allow 224.0.0.0/4\n"
                                      "set segment blue deny 239.254.0.0/16\n"
                                      "set route 198.51.100.0/24 via 192.0.2.9\n")
    a.ctl("add member blue 239.7.7.7 any port rx")
    one, two = rx.join(GROUP), far.join(GROUP)
    a.wait_member(GROUP, rx.address, UNDERLAY["b"])
    want = rx.join("232.1.1.1", source=src.address)
    a.wait_member("232.1.1.1", rx.address)
    deliver(src, GROUP, [one, two])
    src.send("nobody wants this", "239.200.0.1")
    until(lambda: a.drops()[("lookup", "no-member")], "a drop")
    pages = documented()
    grammar = {re.split(r" <| \[", line)[0] for line
               in w.run(w.bindir + "/mcrd", "--print-grammar").splitlines()
               if line.startswith("show ")}
    equal(sorted(grammar - pages.keys()), [], "commands without a section in docs/json.md")
    equal(sorted(pages.keys() - grammar), [], "sections of docs/json.md without a command")
    for command, wanted in pages.items():
        unseen = check_keys(a, command, wanted)
        if command in ("show groups", "show peers", "show neighbors", "show drops", "show mtu",
                       "show routes", "show subscriber list all"):
            check(all("excluded" in k or "sources[]" in k for k in unseen), f"{command}: {unseen}")
    want.leave()


def test_text_columns(w):
    """The header of every table, word for word."""
    d, src, rx = lab(w, ["src", "rx"])
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    deliver(src, GROUP, [got])
    for line, head in (
            ("show ports", "PORT  STATE  ROLE  SEGMENT  DRIVER  SPEED  MTU  IN PKTS  OUT PKTS  "
             "MISSED  DROPS  ADDRESS"),
            ("show segments", "SEGMENT VNI PORTS PEERS GROUPS MEMBERS FORWARDING RPF POLICY IN-PKTS"
             " OUT-PKTS DROPS"),
            ("show groups", "SEGMENT  GROUP  SOURCE  MODE  V  MEMBERS  TIMER  UPTIME  IN PKTS  "
             "OUT PKTS  DROPS"),
            ("show igmp interfaces", "PORT FAMILY ROLE QUERIER VERSION QI QRI LMQI RV GMI "
             "OTHER-QUERIER NEXT-QUERY GROUPS"),
            ("show igmp statistics", "PORT FAMILY MESSAGE V1 V2 V3 DIRECTION"),
            ("show peers", "PEER ADDRESS STATE RTT HELLO-LOSS SEGMENTS COPIES IN-PKTS ENCRYPTION "
             "MTU"),
            ("show workers", "WORKER CPU BUSY RX-PPS BURST COPIES/S CYCLES/PACKET CYCLES/COPY "
             "IDLE-MODE"),
            ("show memory", "POOL SIZE USED LEAST-FREE BYTES SOCKET"),
            ("show mtu", "PORT PEER LINK-MTU ENCAPSULATION CIPHER OVERHEAD INNER-MTU"),
            ("show subscriber list all", "Group Subscriber Type")):
        text = d.ctl(line)
        equal(text.splitlines()[0].split(), head.split(), line)
        check(all(x == x.rstrip() for x in text.splitlines()), f"{line}: blanks at a line's end")
    equal(d.ctl("show peers").splitlines()[1], "0 peers", "an empty listing")
    rows = [x.split() for x in d.ctl("show groups").splitlines()]
    row = [x for x in rows if x[:2] == ["lab", GROUP]][0]
    equal(row[2:6], ["*", "EXCL", "3", "1"], "row of the group")
    check(re.fullmatch(r"\d+ groups, \d+ members", " ".join(rows[-1])), f"last line: {rows[-1]}")


def test_group_page(w):
    d, src, rx = lab(w, ["src", "rx"], canary=False)
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    deliver(src, GROUP, [got])
    text = d.ctl(f"show group {GROUP}")
    for part in (fr"^Group {GROUP} in lab \(VNI \d+\), EXCLUDE \{{\}}, IGMPv3, up 0:0\d:\d\d$",
                 fr"^  member  port rx +{rx.address}  EXCL  expires \d+ s +copies \d+  drops 0 "
                 r"+last report 0:0\d:\d\d ago$",
                 fr"^  source  {src.address} +port src +\d+ packets, \d+ bytes, last 0:00:\d\d ago"):
        check(re.search(part, text, re.M), f"show group lacks {part}:\n{text}")
    d.refused("show group 239.9.9.9", 1, "no such group 239.9.9.9", "fix: show group list")
    d.refused("show group 10.0.0.1", 1, "10.0.0.1 is not a multicast address")


def test_no_such_object(w):
    d, = lab(w, [])
    for line, fix in (("show port lan2", "show ports"), ("show segment red", "show segments"),
                      ("show groups segment red", "show segments"), ("show peer x", "show peers"),
                      ("clear counters port lan2", "show ports"),
                      ("clear group red all", "show segments")):
        d.refused(line, 1, "no such", f"fix: {fix}")


def test_static_members_in_listings(w):
    """A static member goes by its port's name, never expires, and stands beside a host."""
    d, src, rx = lab(w, ["src", "rx"], "add member lab 239.1.1.1 any port rx\n"
                     "add member lab 232.1.1.1 10.99.0.9 port src\n", canary=False)
    got = rx.join("239.1.1.1")
    d.wait_member("239.1.1.1", rx.address, "rx")
    rows = [re.split(r"  +", x) for x in d.ctl("show subscriber list all").splitlines()[1:]]
    equal(rows, [["232.1.1.1", "src", "Local Endpoint"],
                 ["239.1.1.1", rx.address, "Local Endpoint"],
                 ["239.1.1.1", "rx", "Local Endpoint"]], "subscribers")
    one, = [r for r in d.json("show subscriber list 232.1.1.1")["subscribers"]]
    equal((one["mode"], one["sources"], one["expires_seconds"]), ("include", ["10.99.0.9"], None),
          "the static source")
    group, = [g for g in d.json("show groups")["groups"] if g["group"] == "232.1.1.1"]
    equal((group["source"], group["mode"], group["timer_seconds"], len(group["members"])),
          ("10.99.0.9", "include", None, 1), "its group")
    check("static" in d.ctl("show group 239.1.1.1"), "the page says static")
    got.leave()


def test_clear_counters_starts_at_zero(w):
    """Ports, groups, senders and messages count from 0 again; members stay."""
    d, src, rx = lab(w, ["src", "rx"], canary=False)
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    for i in range(20):
        src.send(f"before {i}", GROUP)
    got.wait(b"before 19")
    until(lambda: d.json(f"show group {GROUP}")["groups"][0]["receive_packets"] == 20, "20 counted")
    d.ctl("clear counters")
    group = d.json(f"show group {GROUP}")["groups"][0]
    equal((group["receive_packets"], group["transmit_packets"], group["senders"]), (0, 0, []),
          "the group after clear counters")
    equal(group["members"][0]["copies"], 0, "copies of the member")
    check(sum(r["count"] for r in d.json("show igmp statistics")["statistics"]) < 5, "messages")
    for i in range(3):
        src.send(f"after {i}", GROUP)
    got.wait(b"after 2")

    def exact():
        g = d.json(f"show group {GROUP}")["groups"][0]
        return (g["receive_packets"], g["transmit_packets"], g["members"][0]["copies"],
                [x["packets"] for x in g["senders"]]) == (3, 3, 3, [3])
    until(exact, "counted from 0", 3)
    equal(d.subscribers(GROUP), [(GROUP, rx.address, "Local Endpoint")], "members")


def timers(d, port):
    rows = [x.split() for x in d.ctl("show igmp timers").splitlines()]
    return [x[2:] for x in rows if x[0] == port][0]


def d1_show_igmp_timers(w):
    """The defaults, and what follows from other values (RFC 9776 section 8)."""
    d, _, _ = lab(w, ["src", "rx"], "set igmp rx robustness 3\nset igmp rx query-interval 60\n"
                  "set igmp rx response-interval 5\nset igmp rx last-member-interval 500\n")
    equal(timers(d, "src"), "125 10 31.25 2 1 2 2 270 255 260 1".split(), "defaults")
    equal(timers(d, "rx"), "60 5 15 3 0.5 3 1.5 190 182.5 185 1".split(), "other values")
    d.ctl("del igmp rx robustness")
    equal(timers(d, "rx"), "60 5 15 2 0.5 2 1 130 122.5 125 1".split(), "robustness 2 again")


def v21_show_mtu(w):
    """Inner MTU of a VXLAN tunnel follows the uplink's; access ports have their own."""
    w.wire()
    d, _ = site(w, "a", ["src"], "bc", "set port wan mtu 1400\n")
    rows = {(r["port"], r["peer"]): (r["link_mtu"], r["encapsulation"], r["overhead"],
                                     r["inner_mtu"]) for r in d.json("show mtu")["mtu"]}
    equal(rows, {("src", None): (1500, None, 0, 1500), ("wan", "site-b"): (1400, "vxlan", 50, 1350),
                 ("wan", "site-c"): (1400, "vxlan", 50, 1350)}, "show mtu")
    equal({p["mtu"] for p in d.json("show peers")["peers"]}, {1350}, "show peers")


def test_ports_tell_why(w):
    """A pending port says what it waits for, in the listing, on its page and in show status."""
    d = w.mcrd(BASE + "set system name lab\nadd segment lab vni 100\n"
               f"add port late dev net_tap0,iface=eth0 netns m{os.getpid()}-late\n"
               "set port late segment lab\n")
    port, = d.json("show ports")["ports"]
    equal((port["state"], port["driver"], port["speed_bits_per_second"]), ("pending", None, None),
          "a pending port")
    for line in ("show ports", "show port late"):
        check("does not exist" in d.ctl(line), f"{line}: {d.ctl(line)}")
    text = d.ctl("show status")
    check("0 up, 0 down, 1 pending (late)" in text, text)
    check("1 degraded (ports)" in text, text)
    Host(w, "late", "10.99.0.2/24")
    until(lambda: d.json("show ports")["ports"][0]["state"] == "up", "the port comes up", 15)
    equal(d.json("show ports")["ports"][0]["why"], None, "why of a port that is up")
    d.pools = d.pool_use()      # its receive ring has buffers now


def test_clock_and_log(w):
    d, = lab(w, [], clock=True)
    d.ctl("clock stop")
    before = d.json("show clock")
    d.ctl("clock warp 1500 ms")
    after = d.json("show clock")
    equal((after["state"], after["test_clock"]), ("stopped", True), "show clock")
    equal(round(after["clock_seconds"] - before["clock_seconds"], 3), 1.5, "the clock moved by")
    d.ctl("clock start")
    lines = d.json("show log 1")["lines"]
    equal(len(lines), 1, "lines of show log 1")
    equal(d.ctl("show log 1").splitlines(), lines, "the same as text")
