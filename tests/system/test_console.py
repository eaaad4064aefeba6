# SPDX-License-Identifier: BSD-3-Clause
"""What people type and read: errors with repairs, exit codes, files, save and load, signals."""
import contextlib
import glob
import json
import os
import re
import signal
import socket
import subprocess

from hosts import CANARY_GROUP, GROUP, Host, deliver, lab, lab_conf, stream, whole
from lib import BASE, check, equal, until
from sites import UNDERLAY, two_sites

CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config")
PORT = "add port p dev net_null0\n"


def mcrd(w, *args):
    """(exit code, output) of mcrd run to its end."""
    p = subprocess.run([w.bindir + "/mcrd", *args], stdin=subprocess.DEVNULL, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
    return p.returncode, p.stdout


def check_file(w, text, code, *parts):
    """`mcrd --check` of this text ends with the code, and its messages have all parts."""
    path = w.write("test.conf", BASE + text)
    seen, out = mcrd(w, "--check", "-c", path)
    check(seen == code, f"expected exit {code}, got {seen}: {out.strip()}")
    for p in parts:
        check(p in out, f"the message lacks {p!r}: {out.strip()}")
    return out


def test_check_names_line_word_and_expectation(w):
    out = check_file(w, "add port p dev net_null0 netnss x\n", 4, "test.conf:4: error:",
                     'not understood: "netnss"', "add port p dev net_null0 netnss x",
                     "expected:", "netns")
    lines = out.splitlines()
    shown = next(i for i, text in enumerate(lines) if text.lstrip().startswith("add port"))
    equal(lines[shown + 1].index("^"), lines[shown].index("netnss"), "column of the caret")
    check_file(w, PORT + "set igmp p query-interval 0\n", 4, "test.conf:5: error:",
               "query-interval 0 is out of range", "expected: 1-31744")
    check_file(w, "add segment a vni 0x1g\n", 4, "test.conf:4")
    check_file(w, "add segment a vni 010\n", 4, "test.conf:4")
    check_file(w, "add segment none vni 1\n", 4, "test.conf:4", "none")
    check_file(w, "show status\n", 4, "test.conf:4")
    check_file(w, "set segment nosuch unknown drop\n", 4, "test.conf:4", "nosuch")


def test_check_prints_all_errors(w):
    out = check_file(w, "wrong line\n" + PORT + "set port p mtu 1\nadd segment a vni 1\n"
                     "add segment b vni 1\n", 4, "test.conf:4", "test.conf:6")
    check(out.count("error:") >= 2, out)
    check_file(w, PORT, 0)


def test_refused_at_commit(w):
    """Whole-configuration rules, each with file, line and a sentence."""
    site = ("add segment s vni 1\nadd port u dev net_null1\nset port u role uplink\n"
            "set port u address 192.0.2.1/24\n")
    for text, *parts in (
            ("add segment a vni 5\nadd segment b vni 5\n", "VNI 5"),
            (PORT + "set port p mtu 1000\nset port p mtu 2000\n", "test.conf:6"),
            (PORT + "set igmp p query-interval 10\nset igmp p response-interval 10\n",
             "response-interval"),
            (PORT + "set igmp p robustness 0\n", "robustness"),
            (site + "add peer x address 192.0.2.1\nset peer x uplink u\n", "x"),
            (site + "add peer x address 239.1.1.1\nset peer x uplink u\n", "x"),
            (site + "add peer x address 198.51.100.7\nset peer x uplink u\n"
             "set peer x nexthop 203.0.113.1\n", "203.0.113.1"),
            ("add segment s vni 1\nadd port p dev net_null0\nset port p segment s\n"
             "add member s 10.1.1.1 any port p\n", "10.1.1.1"),
            ("add segment s vni 1\nadd member s 239.1.1.1 any port nix\n", "nix"),
            ("add segment s vni 1\nset segment s allow 239.1.1.1/8\n", "239.1.1.1/8")):
        out = check_file(w, text, 4, "test.conf:", "error", *parts)
        check("errno" not in out and "-22" not in out, out)


def l4_own_address_as_peer(w):
    check_file(w, "add port u dev net_null1\nset port u role uplink\n"
               "set port u address 192.0.2.1/24\nadd peer x address 192.0.2.1\n", 4,
               "test.conf:7", "192.0.2.1")


def l5_multicast_address_as_peer(w):
    check_file(w, "add port u dev net_null1\nset port u role uplink\n"
               "set port u address 192.0.2.1/24\nadd peer x address 239.1.1.1\n", 4,
               "test.conf:7", "239.1.1.1")


def test_bad_devices_are_sentences(w):
    """Wrong driver, wrong device argument, no such PCI device: the daemon does not start."""
    for dev, *parts in (("net_foo0", "net_foo"), ("net_tap0,ifname=x", "ifname", "iface")):
        path = w.write("dev.conf", BASE + f"add port p dev {dev}\n")
        code, out = mcrd(w, "-c", path, "-s", w.path("s"))
        check(code in (4, 5, 71), f"{dev}: exit {code}: {out}")
        for part in ("dev.conf:4", "error:", *parts):
            check(part in out, f"{dev}: the message lacks {part!r}: {out}")
    code, out = mcrd(w, "-c", w.path("absent.conf"), "-s", w.path("s"))
    equal(code, 4, "exit code for a missing file")
    for part in ("absent.conf", "mcrd -i", "demo.sh"):
        check(part in out, f"a missing file: the message lacks {part!r}: {out}")


def test_device_errors_at_run_time(w):
    """The same on a running daemon: refused, with a repair, nothing changed."""
    d, src, rx = lab(w, ["src", "rx"])
    before = d.ctl("show config")
    out = d.refused("add port p dev net_foo0", 1, "net_foo")
    check("error:" in out, out)
    d.refused("add port p dev net_tap8,ifname=x", 1, "ifname", "iface")
    equal(d.ctl("show config"), before, "configuration after refused ports")
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    deliver(src, GROUP, [got])


def test_pending_port_comes_with_its_namespace(w):
    """A namespace that is not there yet: the port is pending, and up when it appears."""
    late = f"m{os.getpid()}-late"
    d, src = lab(w, ["src"], f"add port late dev net_tap7,iface=eth0 netns {late}\n"
                 "set port late segment lab\n")
    states = {p["port"]: p["state"] for p in d.json("show ports")["ports"]}
    equal(states, {"src": "up", "late": "pending"}, "port states")
    check("late" in d.ctl("show status"), "show status does not name the pending port")
    equal(w.ns("late"), late, "name")
    until(lambda: {p["port"]: p["state"] for p in d.json("show ports")["ports"]}["late"] == "up",
          "the port is up", 15)
    d.pools = d.pool_use()      # now with the buffers of its receive queue
    host = Host(w, "late", "10.99.0.9/24")
    got = host.join(GROUP)
    d.wait_member(GROUP, host.address)
    deliver(src, GROUP, [got])


def test_exit_codes_of_mcrctl(w):
    d, src = lab(w, ["src"])
    for line, code in (("show status", 0), ("set port nosuch mtu 1500", 1), ("no such thing", 2),
                       ("show port", 2), ("clear group lab 10.1.1.1", 1)):
        seen, out = d.try_ctl(line)
        equal(seen, code, f"exit code of {line!r} ({out.strip()})")
    seen, out = d.try_ctl("load", w.write("bad.conf", "bad line\n"))
    equal(seen, 4, f"exit code of a bad load ({out.strip()})")
    seen, out = d.try_ctl(stdin="show version\nno such thing\nshow version\n")
    equal(seen, 6, "exit code of a script with one bad line")
    equal(out.count("DPDK"), 2, "answers of the good lines")
    seen, out = d.try_ctl(stdin="no such thing\nshow version\n", options=("-e",))
    check(seen in (2, 6) and "DPDK" not in out, f"-e goes on: exit {seen}: {out}")
    p = subprocess.run([w.bindir + "/mcrctl", "-s", w.path("nobody"), "show", "status"],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    equal(p.returncode, 3, f"exit code without a daemon ({p.stdout.strip()})")
    equal(mcrd(w, "--nonsense")[0], 2, "exit code of a bad option")
    equal(mcrd(w, "-h")[0], 0, "exit code of -h")
    equal(mcrd(w, "-V")[0], 0, "exit code of -V")


def test_errors_as_json(w):
    d, src = lab(w, ["src"])
    code, out = d.try_ctl("set igmp src query-interval 0", options=("-j",))
    check(code, "accepted")
    e = json.loads(out)
    equal((e["version"], e["file"], e["line"]), (1, None, None), "version, file, line")
    equal(e["expected"], ["1-31744"], "expected")
    equal(e["position"], len("set igmp src query-interval ") + 1, "position")
    check("query-interval 0" in e["error"], e)


KINDS = {"ip": "239.1.1.1", "mac": "02:00:00:00:00:55", "prefix": "239.0.0.0/8"}


def sample_line(row, names):
    """A line that fits the row of the grammar: names exist, numbers are the smallest."""
    words = []
    for word in row.split():
        if word in ("~", "[json]"):
            continue
        if "|" in word and not word.startswith("<"):
            word = word.split("|")[0]
        m = re.match(r"<(\w+):([^>:]+)(?::(\d+)-(\d+))?>", word.split("|")[0])
        if m:
            kind, name, low, _ = m.groups()
            word = low or (KINDS["mac"] if kind == "mac" else names.get(name)) or \
                KINDS.get(kind, "x1")
        words.append(word)
    return " ".join(words)


def test_every_row_of_the_grammar_is_understood(w):
    """A line made from each row of --print-grammar is no syntax error, and `help` knows it."""
    code, out = mcrd(w, "--print-grammar")
    equal(code, 0, "exit code of --print-grammar")
    rows = [r for r in out.splitlines() if r and not r.startswith("#")]
    check(len(rows) > 100, f"{len(rows)} rows")
    equal([r for r in rows if not re.match(r".+ \| .* \| core$", r)], [], "rows of another form")
    d, src, rx = lab(w, ["src", "rx"], clock=True, extra="""
add port up dev net_null0
set port up role uplink
set port up address 192.0.2.1/24
add peer p1 address 192.0.2.2
set peer p1 segment lab
""")
    names = {"port": "rx", "segment": "lab", "peer": "p1", "port-or-all": "all", "group":
             "239.1.1.1", "address": "10.1.1.1", "nexthop": "10.99.0.7", "network": "10.5.0.0/16",
             "netns": "nosuch", "devargs": "net_null7", "ifname": "nosuch", "list": "0-1",
             "topic": "show", "path": w.path("saved.conf"), "type": "all"}
    d.ctl("save", w.path("saved.conf"))
    for row in rows:
        syntax = row.split(" | ")[0]
        verb = syntax.split()[0]
        line = sample_line(syntax, names)
        if "<prefix:address>" in syntax:
            line = line.replace("10.1.1.1", "10.1.1.1/24")
        if verb in ("shutdown", "quit", "begin", "load", "reload", "save"):
            continue
        if verb in ("add", "set"):
            code, out = d.try_ctl(options=("-e",), stdin=f"begin\n{line}\nabort\n")
        else:
            code, out = d.try_ctl(line)
        check(code in (0, 1) and "not understood" not in out,
              f"{line!r} of row {syntax!r}: exit {code}: {out.strip()}")
        if "[json]" in row and code == 0:
            value = json.loads(d.ctl(line + " json"))
            equal(value["version"], 1, f"version of {line!r}")
    help_text = d.ctl("help")
    for row in rows:
        first = row.split(" | ")[0].split("<")[0].split("~")[0].split("[")[0].strip()
        check(first in help_text, f"help lacks {first!r}")


def canonical(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_sample_configurations(w):
    """Every file of config/ passes --check."""
    files = sorted(glob.glob(CONFIG + "/*.conf"))
    check(len(files) >= 5, f"config/ has {files}")
    for path in files:
        code, out = mcrd(w, "--check", "-c", path)
        equal(code, 0, f"--check {os.path.basename(path)} ({out.strip()})")


def test_save_and_load_give_the_same(w):
    """demo.conf: load(save(c)) == c, save is stable, the diff is empty."""
    text = open(CONFIG + "/demo.conf").read()
    names = set(re.findall(r"netns (\S+)", text))
    for n in names:
        text = text.replace(f"netns {n}", f"netns {w.ns(n)}")
    d = w.mcrd(text)
    one, two = w.path("one.conf"), w.path("two.conf")
    d.ctl("save", one)
    running = canonical(d.ctl("show config"))
    equal(canonical(open(one).read()), running, "saved lines")
    check(len(running) >= len([x for x in text.splitlines() if x.split("#")[0].strip()]) - 1,
          "lines are missing in save")
    d.ctl("load", one)
    d.ctl("save", two)
    equal(open(two).read(), open(one).read(), "second save")
    d.try_ctl(stdin="begin\nset port rx1 mtu 1400\n")
    code, out = d.try_ctl(stdin="begin\nset port rx1 mtu 1400\nshow config diff\nabort\n")
    check("+ set port rx1 mtu 1400" in out, f"show config diff: {out}")
    equal(canonical(d.ctl("show config")), running, "running after an aborted batch")


def test_set_replaces_and_del_undoes(w):
    d, src = lab(w, ["src"])
    d.ctl("set port src mtu 1400")
    d.ctl("set port src mtu 1300")
    lines = [x for x in canonical(d.ctl("show config")) if "src mtu" in x]
    equal(lines, ["set port src mtu 1300"], "lines of one key")
    d.ctl("del port src mtu")
    check("src mtu" not in d.ctl("show config"), "del leaves the line")
    d.ctl("set segment lab allow 239.0.0.0/8")
    d.ctl("set segment lab allow 238.0.0.0/8")
    d.ctl("del segment lab allow 239.0.0.0/8")
    equal([x for x in canonical(d.ctl("show config")) if "allow" in x],
          ["set segment lab allow 238.0.0.0/8"], "items of a list")
    d.refused("del segment lab", 1, "src")


def t18_wrong_lines_change_nothing(w):
    """Bad line, bad batch, bad load, bad reload: the configuration and the stream stay."""
    d, src, rx = lab(w, ["src", "rx"])
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    before = d.ctl("show config")
    with stream(src, GROUP, 500) as sent:
        until(lambda: sent() > 50, "a stream")
        code, out = d.try_ctl(options=("-e",), stdin="begin\nadd segment two vni 7\n"
                              "add segment three vni 7\ncommit\n")
        check(code != 0 and "7" in out, f"duplicate VNI: exit {code}: {out}")
        d.refused("add segment two vni 100", 1, "lab")
        path = w.write("half.conf", before + "add segment two vni 7\nthis is no command\n"
                       "set igmp all robustness 0\n")
        code, out = d.try_ctl("load", path)
        equal(code, 4, "exit code of load")
        check("half.conf" in out and "this" in out and "robustness" in out, f"load: {out}")
        d.refused(f"load check {path}", 4, "half.conf")
        good = open(d.conf).read()
        w.write("mcrd.conf", good + "bad line\n")
        d.refused("reload", 4, "mcrd.conf")
        d.proc.send_signal(signal.SIGHUP)
        until(lambda: d.log().count("mcrd.conf:") >= 1, "SIGHUP logs the bad line")
        equal(d.ctl("show config"), before, "running configuration")
        w.write("mcrd.conf", good + "set igmp all robustness 3\n")
        d.proc.send_signal(signal.SIGHUP)
        until(lambda: "robustness 3" in d.ctl("show config"), "SIGHUP reads the file again")
    whole(got, sent(), "the stream at rx")
    equal([x for _, x, _ in d.subscribers(GROUP)], [rx.address], "members")


def test_second_batch_of_an_old_candidate_is_refused(w):
    """A candidate older than the running configuration cannot overwrite it."""
    d, src = lab(w, ["src"])
    slow = subprocess.Popen([w.bindir + "/mcrctl", "-s", d.sock], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    slow.stdin.write("begin\nset port src mtu 1400\nshow config candidate\n")
    slow.stdin.flush()
    seen = ""
    while "mtu 1400" not in seen:
        seen = slow.stdout.readline()
        check(seen, "mcrctl ended")
    d.ctl("set igmp src robustness 3")
    out = slow.communicate("commit\n", timeout=10)[0]
    check("mtu 1400" not in d.ctl("show config"), f"committed: {out}")
    check("error" in out, out)


def t22_signals(w):
    """SIGTERM, SIGINT: exit 0 within 2 s; SIGKILL: a new start works; nothing stale stays."""
    names = ["src", "rx"]
    text = lab_conf(w, names)
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        d = w.mcrd(text, name=f"sig{sig}")
        src, rx = Host(w, "src", "10.99.0.1/24"), Host(w, "rx", "10.99.0.2/24")
        got = rx.join(GROUP)
        d.wait_member(GROUP, rx.address)
        with stream(src, GROUP, 500) as sent:
            until(lambda: sent() > 100, "a stream")
            code = d.stop(sig)
        equal(code, -9 if sig == signal.SIGKILL else 0, f"exit code after signal {sig}")
        if sig != signal.SIGKILL:
            check(not os.path.exists(d.sock), "the socket file stays after an orderly end")
        for n in names:
            until(lambda: "eth0" not in w.run("ip", "-o", "link", ns=w.ns(n)), f"TAP of {n} gone")
        got.leave()
    d = w.mcrd(text, name="sig9")       # the same socket path as the killed one
    src, rx = Host(w, "src", "10.99.0.1/24"), Host(w, "rx", "10.99.0.2/24")
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    d.wait_member(CANARY_GROUP, src.address, rx.address)
    deliver(src, GROUP, [got])
    d.proc.send_signal(signal.SIGTERM)
    d.proc.send_signal(signal.SIGTERM)
    equal(d.stop(), 0, "exit code after SIGTERM twice")


def t22_leaves_are_sent_upstream(w):
    """An orderly end tells peers that nobody is here any more."""
    a, src, rx, b, far, near = two_sites(w, "set igmp all last-member-interval 200\n")
    r = far.join(GROUP)
    a.wait_member(GROUP, UNDERLAY["b"])
    equal(b.stop(), 0, "exit code of site b")
    until(lambda: GROUP not in a.ctl("show group list"), "site a has no member any more", 5)
    r.leave()


def test_second_daemon_on_one_socket(w):
    """The socket of a living daemon is not taken away."""
    d, src = lab(w, ["src"])
    code, out = mcrd(w, "-c", w.write("two.conf", BASE), "-s", d.sock)
    check(code != 0, "the second daemon started")
    check("error" in out, out)
    d.ctl("show status")


def test_slow_and_broken_clients(w):
    """Clients that send junk or do not read cost nobody anything."""
    d, src, rx = lab(w, ["src", "rx"])
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    socks = []
    for junk in (b"\xff" * 5000, b"exec\n", b"\n\n\n", b"exec " + b"x" * 4000 + b"\n",
                 b"json show\n", b"events\n" * 3):
        s = socket.socket(socket.AF_UNIX)
        s.connect(d.sock)
        s.sendall(junk)
        socks.append(s)
    slow = socket.socket(socket.AF_UNIX)
    slow.connect(d.sock)
    slow.setblocking(False)
    with contextlib.suppress(OSError):
        for _ in range(2000):
            slow.send(b"exec help\n")
    d.ctl("show status")
    deliver(src, GROUP, [got])
    for s in socks + [slow]:
        s.close()


def test_show_drops_and_clear(w):
    d, src, rx = lab(w, ["src", "rx"])
    src.send("nobody wants this", "239.200.0.9")
    until(lambda: d.drops()[("lookup", "no-member")] >= 1, "the drop is counted")
    text = d.ctl("show drops")
    check(re.search(r"^REASON +STAGE +COUNT +LAST +WHAT IT MEANS AND WHAT TO DO", text), text)
    check(re.search(r"^no-member +lookup +\d+ ", text, re.M), text)
    d.ctl("clear drops")
    equal(d.drops()[("lookup", "no-member")], 0, "after clear drops")
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    deliver(src, GROUP, [got])
    d.ctl("clear counters")
    equal({p["port"]: p["transmit_packets"] for p in d.json("show ports")["ports"]}["rx"] < 3, True,
          "transmit packets after clear counters")


def test_status_page(w):
    d, src, rx = lab(w, ["src", "rx"], canary=False)
    got = rx.join(GROUP)
    d.wait_member(GROUP, rx.address)
    text = d.ctl("show status")
    for part in ("mcrd 1.0.0 on lab, DPDK ", "ordinary pages", "2 up, 0 down, 0 pending",
                 "1 of 1 running", "groups 1 of 65536", "1 local, 0 remote, 0 static",
                 "Encryption: Disabled", "IGMPv3"):
        check(part in text, f"show status lacks {part!r}:\n{text}")
    status = d.json("show status")
    equal((status["ports"], status["groups"], status["members"]["local"]),
          ({"up": 2, "down": 0, "pending": 0}, 1, 1), "the same as JSON")
    text = d.ctl("show port rx")
    check(re.search(r"Receive Mode: (Normal|All-multicast|Promiscuous)", text), text)
    got.leave()


def test_igmp_timers(w):
    """D1: the defaults."""
    d, src = lab(w, ["src"])
    row = d.ctl("show igmp timers").splitlines()
    equal(row[0].split(), "PORT FAMILY QI QRI STARTUP-QI STARTUP-COUNT LMQI LMQC LMQT GMI "
          "OTHER-QUERIER-PRESENT OLDER-HOST URI".split(), "columns")
    equal(row[1].split()[2:], "125 10 31.25 2 1 2 2 270 255 260 1".split(), "values")
