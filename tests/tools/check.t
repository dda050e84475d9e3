#!/usr/bin/python3
"""Each check of `chatdnatctl check`, provoked. That of firewalls is in firewall.t."""
# vm: --timeout 600

import contextlib
import ipaddress
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import amneziawg as imitated
import ctl
from checks import checks, finds, kernel_has, nft, passes, skips
from fake import CONFIG, Fake, Older, changed
from lib import case, module, tap, topo, traffic
from lib.topo import CLIENT, EVERY_RELAY, HOME, INTERNET, PROXY, RELAY, TUNNEL, settings

OPTIONS = pathlib.Path("/etc/modprobe.d/chatdnat.conf")
AUTOLOAD = pathlib.Path("/etc/modules-load.d/chatdnat.conf")
EFIVAR = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
FAILURES = ("no-peer", "no-default-route", "forwarding-off", "mtu-too-small", "protocol-locked-out")
NEWER = CONFIG + " guard=off allow=22 mss=auto via= hairpin=0 log=off"

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay",))
    traffic.Host("relay", t.relay).tcp(25, 993).udp(3478)
    traffic.Host("internet", t.internet).tcp(25)
    forget()


def forget():
    for path in (OPTIONS, AUTOLOAD):
        path.unlink(missing_ok=True)


def provoked(name, finding, outcome, *commands, check=None, **how):
    """A made-up module that has the fault; the same without it passes."""
    with Fake(**how) as fake:
        finds(fake.run("check", "--json"), name, finding, outcome, *commands)
    with Fake(config=NEWER) as fake:
        if check:
            passes(fake.run("check", "--json"), f"{name}, healthy", check)


def mends(name, finding, config, *commands, **how):
    """The fault, found; gone when these of the commands that it prints have been run."""
    with Fake(config=config, **how) as fake:
        found = finds(fake.run("check", "--json"), name, finding, "fail" if finding in FAILURES else "warn", *commands)
    for command in commands:
        program, _, settings_ = command.partition("    #")[0].partition(" set ")
        if program == "chatdnatctl":
            changes = dict(word.split("=", 1) for word in settings_.split())
            config = " ".join(f"{key}={changes.get(key, value)}" for key, _, value in
                              (word.partition("=") for word in config.split()))
        else:
            HOME.run("sh", "-ec", command)
    with Fake(config=config, **how) as fake:
        left = [each["text"] for each in checks(fake.run("check", "--json")) if each["id"] == finding]
        if not tap.equal(left, [], f"{name}: fixed"):
            tap.diag(found)


def newer(**changes):
    return " ".join(f"{name}={changes.get(name, value)}" for name, _, value in
                    (word.partition("=") for word in NEWER.split()))


@contextlib.contextmanager
def elsewhere(**files):
    """Files of ours under a new directory, to be laid over others."""
    top = pathlib.Path(tempfile.mkdtemp(prefix="chatdnat"))
    top.chmod(0o755)
    for name, data in files.items():
        (top / name).write_bytes(data)
    try:
        yield top
    finally:
        shutil.rmtree(top)


@contextlib.contextmanager
def sysctl(path, value):
    file = pathlib.Path("/proc/sys", path)
    before = file.read_text(encoding="ascii")
    file.write_text(str(value), encoding="ascii")
    try:
        yield
    finally:
        file.write_text(before, encoding="ascii")


@case.case
def healthy():
    module.load(**settings())
    for version in topo.ip_versions():
        traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version])
    ctl.run("save")
    result = ctl.run("check", "--json")
    bad = [each for each in checks(result) if each["result"] in ("warn", "fail")]
    tap.equal(bad, [], "healthy: no warn, no fail")
    tap.equal(result.status, 0, "healthy: exit status 0")
    names = [each["check"] for each in checks(result)]
    text = ctl.run("check")
    lines = [line for line in text.out.splitlines() if line and not line.startswith("           ")]
    ok = len([each for each in checks(result) if each["result"] == "ok"])
    tap.equal(lines.pop(), f"result   {len(names) - ok} skipped, {ok} ok.", "healthy: the last line counts")
    tap.equal(ctl.run("check", "--quiet").out, "", "healthy: --quiet prints nothing")
    tap.equal(text.status, 0, "healthy: exit status 0 as text")
    tap.equal([line.split()[1] for line in lines], names, "healthy: one line each")
    tap.equal({line.split()[0] for line in lines} <= {"ok", "skipped"}, True, "healthy: ok or skipped")
    forget()


@case.case
def module_and_kernels():
    result = ctl.run("check", "--json")
    finds(result, "not loaded", "not-loaded", "fail", "modprobe chatdnat wan=INTERFACE v4=ADDRESS v6=ADDRESS")
    skips(result, "not loaded", "wan", "not loaded")
    OPTIONS.write_text("options chatdnat wan=eth9 v4=10.9.0.2\n", encoding="ascii")
    result = ctl.run("check", "--json")
    finds(result, "not loaded but saved", "not-loaded", "fail", "modprobe chatdnat")
    finds(result, "not loaded but saved: its configuration", "wan-missing", "fail")
    finds(result, "not at boot", "not-at-boot", "warn", f"echo chatdnat >{AUTOLOAD}")
    AUTOLOAD.write_text("chatdnat\n", encoding="ascii")
    result = ctl.run("check", "--json")
    passes(result, "at boot", "boot")
    tap.ok(not any("is loaded at boot" in each["text"] for each in checks(result)), "not loaded: nobody says that it is")
    forget()
    provoked("another version", "versions-differ", "warn", "modprobe -r chatdnat && modprobe chatdnat", check="module",
             version="0.9")

    releases = ("5.10.0-1", "6.1.0-1", os.uname().release, "9.0.0-1", "8.0.0-headers")
    with elsewhere() as lib:
        for release in releases:
            (lib / release / "updates/dkms").mkdir(parents=True)
            if "headers" not in release:
                (lib / release / "modules.order").touch()
            (lib / release / "updates/dkms/chatdnat.ko.xz").touch()
            (lib / release / "modules.dep").write_text("updates/dkms/chatdnat.ko.xz: kernel/x.ko\n", encoding="ascii")
        places = {"/lib/modules": lib}
        with Fake() as fake:
            passes(fake.run("check", "--json", places=places), "each kernel has the module", "kernels")
            (lib / "9.0.0-1/modules.dep").write_text("", encoding="ascii")
            finds(fake.run("check", "--json", places=places), "the newest: not indexed", "not-indexed", "fail", "depmod 9.0.0-1")
            (lib / "9.0.0-1/updates/dkms/chatdnat.ko.xz").unlink()
            finds(fake.run("check", "--json", places=places), "the newest: not built", "not-built", "fail",
                  "apt install linux-headers-9.0.0-1", "make install KVER=9.0.0-1    # in the source directory")
            built_by_dkms(fake, places)
            (lib / "9.0.0-1/modules.order").unlink()
            (lib / "5.10.0-1/updates/dkms/chatdnat.ko.xz").unlink()
            result = fake.run("check", "--json", places=places)
            found = finds(result, "an older one: not built", "not-built", "warn")
            tap.ok(found and "5.10.0-1" in found["text"], "an older one: named")
            tap.ok("9.0.0" not in result.out and "8.0.0" not in result.out, "headers and leftovers are no kernels")


def built_by_dkms(fake, places):
    """There is no module for 9.0.0-1, the newest. DKMS has chatdnat, and its log is first that of another kernel."""
    with elsewhere() as tree:
        places = {**places, "/var/lib": tree}
        log = tree / "dkms/chatdnat/0.9/build/make.log"
        log.parent.mkdir(parents=True)
        (log.parents[1] / "source").symlink_to("/usr/src")
        log.write_text("DKMS make.log for chatdnat-0.9 for kernel 6.1.0-1 (x86_64)\n", encoding="ascii")
        found = finds(fake.run("check", "--json", places=places), "DKMS has it", "not-built", "fail",
                      "dkms install chatdnat/0.9 -k 9.0.0-1",
                      "apt remove 'linux-*-9.0.0-1'    # or this, to keep the kernel that has the module")
        tap.ok(found and "make.log" not in found["text"], "DKMS has it: the log is of another kernel")
        for first in ("DKMS make.log for chatdnat-0.9", "DKMS (dkms-3.2.2) make.log for chatdnat/0.9"):
            log.write_text(f"{first} for kernel 9.0.0-1 (x86_64)\nerror\n", encoding="ascii")
            found = finds(fake.run("check", "--json", places=places), "DKMS could not build it", "not-built", "fail")
            tap.ok(found and "/var/lib/dkms/chatdnat/0.9/build/make.log" in found["text"], "DKMS could not build it: names the log")
        log.unlink()
        log = tree / "dkms/chatdnat/0.9/9.0.0-1/x86_64/log/make.log"
        log.parent.mkdir(parents=True)
        log.touch()
        found = finds(fake.run("check", "--json", places=places), "DKMS could not build it", "not-built", "fail")
        tap.ok(found and "/9.0.0-1/x86_64/log/make.log" in found["text"], "DKMS could not build it: a log of that kernel's own")


@case.case
def the_unit():
    OPTIONS.write_text("options chatdnat wan=eth9 v4=10.9.0.2\n", encoding="ascii")
    with ctl.unit() as enable:
        finds(ctl.run("check", "--json"), "the unit, not enabled", "not-at-boot", "warn", "systemctl enable chatdnat")
        enable()
        result = ctl.run("check", "--json")
        finds(result, "the unit has failed", "unit-failed", "fail", "journalctl -b -u chatdnat",
              "systemctl restart chatdnat    # when that is fixed")
        finds(result, "the unit has failed", "not-loaded", "fail", "systemctl restart chatdnat")
        tap.ok("chatdnat.service has failed" in ctl.run().err, "the unit has failed: status says so")
        tap.ok(subprocess.run(["modprobe", "chatdnat", "wan=no/name"], capture_output=True, check=False).returncode,
               "a parameter that the kernel refuses")
        found = finds(ctl.run("check", "--json"), "refused", "unit-failed", "fail")
        tap.ok(found and "no/name" in found["text"], "refused: check has the kernel's words")
        tap.ok("no/name" in ctl.run().err, "refused: status has the kernel's words")
        with elsewhere() as lib:
            (lib / os.uname().release).mkdir()
            (lib / os.uname().release / "modules.dep").touch()
            tap.ok("none is installed for the running kernel" in ctl.run(before=ctl.overlaid({"/lib/modules": lib})).err,
                   "no module for this kernel: status says so")
        closed, active = pathlib.Path("/run/chatdnat-closed"), pathlib.Path("/run/chatdnat")
        closed.mkdir()
        tap.ok("closed" in ctl.run().err, "the host is closed: status says so")
        with Fake() as fake:
            finds(fake.run("check", "--json"), "loaded, still closed", "still-closed", "fail", "systemctl stop chatdnat-closed")
        closed.rmdir()
        active.mkdir()
        passes(ctl.run("check", "--json"), "loaded by the unit, unloaded by hand", "boot")
        active.rmdir()
        with Fake() as fake:
            passes(fake.run("check", "--json"), "loaded by hand", "boot")
        pathlib.Path("/etc/systemd/system/chatdnat.service").symlink_to("/dev/null")
        finds(ctl.run("check", "--json"), "the unit is masked", "not-at-boot", "warn", f"echo chatdnat >{AUTOLOAD}")
        pathlib.Path("/etc/systemd/system/chatdnat.service").unlink()
    forget()


@case.case
def secure_boot():
    signed = b"\x7fELF" + b"x" * 100 + b"~Module signature appended~\n"
    with elsewhere() as top:
        (top / "efi/efivars").mkdir(parents=True)
        variable = top / "efi/efivars" / EFIVAR
        release = os.uname().release
        ko = top / "lib" / release / "extra/chatdnat.ko"
        ko.parent.mkdir(parents=True)
        (top / "lib" / release / "modules.order").touch()
        places = {"/sys/firmware": top, "/lib/modules": top / "lib"}

        def look(value, image):
            if value is not None:
                variable.write_bytes(b"\6\0\0\0" + value)
            ko.write_bytes(image)
            with Fake() as fake:
                return fake.run("check", "--json", places=places)
        skips(look(None, signed), "UEFI, but no variable", "signature", "cannot be read")
        passes(look(b"\0", b"unsigned"), "Secure Boot off", "signature")
        passes(look(b"\1", signed), "Secure Boot on, signed", "signature")
        finds(look(b"\1", b"unsigned"), "Secure Boot on, unsigned", "unsigned", "fail",
              "reboot    # and enrol the key (Enroll MOK) with that password",
              "mokutil --import /var/lib/dkms/mok.pub    # asks for a password")
        finds(ctl.run("check", "--json", before=ctl.overlaid(places)), "Secure Boot on, unsigned, not loaded", "unsigned", "fail")
        ko.write_bytes(signed)
        finds(ctl.run("check", "--json", before=ctl.overlaid(places)), "Secure Boot on, signed, not loaded", "key-not-known", "warn")
    passes(ctl.run("check", "--json"), "no UEFI", "signature")


@case.case
def containers():
    def look(name, word, before=(), **places):
        found = finds(ctl.run("check", "--json", before=(*ctl.overlaid(places), *before)), name, "no-modules", "fail")
        tap.ok(found and word in found["text"] and "docs/nftables.md" in found["text"], f"{name}: says so: {word}")
    look("user namespace", "container", before=("unshare", "-r"))
    look("no CAP_SYS_MODULE", "container", before=("setpriv", "--bounding-set=-sys_module"))
    with elsewhere(one=b"1\n", lxc=b"lxc") as top:
        os.makedirs("/run/systemd", exist_ok=True)
        pathlib.Path("/run/systemd/container").touch()
        look("LXC", "container (lxc)", before=("unshare", "-r"), **{"/run/systemd/container": top / "lxc"})
        os.unlink("/run/systemd/container")
        look("modules_disabled", "modules_disabled", **{"/proc/sys/kernel/modules_disabled": top / "one"})
        (top / "proc/vz").mkdir(parents=True)
        look("OpenVZ", "OpenVZ", **{"/proc": top / "proc"})
        with Fake() as fake:
            finds(fake.run("check", "--json", before=("unshare", "-r")), "loaded in a container", "no-modules", "warn")
    passes(ctl.run("check", "--json"), "a real machine", "loading")


@case.case
def configuration():
    provoked("IPv6 half configured", "half-configured", "warn", "chatdnatctl set v6=ADDRESS", check="families",
             config=changed(v6=""))
    provoked("no relay", "no-relay", "fail", check="families", config=changed(v4="", v6=""))
    provoked("no wan", "idle", "fail", "chatdnatctl set wan=eth0", config=changed(wan=""))
    provoked("draining", "draining", "warn", check="enabled", config=changed(enabled=0))
    provoked("masquerade=all", "masquerade-all", "warn", "chatdnatctl set masquerade=wan", check="masquerade",
             config=changed(masquerade="all"))
    with Fake(config=changed(v6="", masquerade="all", wan="")) as fake:
        lines = [line for line in fake.run("check", "-q").out.splitlines() if line and not line.startswith("           ")]
        words = [line.split()[0] for line in lines]
        tap.ok("fail" in words and "warn" in words and not {"ok", "skipped"} & set(words), "--quiet: what is not ok")
        tap.ok(lines[-1].startswith("result ") and " failure" in lines[-1] and " ok." in lines[-1], "--quiet: and the counts")
        results = {each["result"] for each in checks(fake.run("check", "--quiet", "--json"))}
        tap.equal(results, {"fail", "warn"}, "--quiet --json: the same")
    provoked("last error", "last-error", "warn", check="last-change", last_error="v4: 'x'")
    mends("TURN without ports for its calls", "calls-without-range", newer(ports="25,3478-3479/udp,5349/udp"),
          "chatdnatctl set ports=25,3478-3479/udp,5349/udp,32768-60999/udp")
    for ports in ("25,3478/udp,50000-50001/udp", "25", "25,3478,50000-50001"):
        with Fake(config=newer(ports=ports)) as fake:
            passes(fake.run("check", "--json"), f"ports={ports}", "calls")
    provoked("not saved", "not-saved", "warn", "chatdnatctl save")
    OPTIONS.write_text(f"options chatdnat {NEWER}\n", encoding="ascii")
    provoked("saved differs", "saved-differs", "warn", "chatdnatctl save    # keeps the active one", check="saved", config=newer(mss=1300))
    forget()


@case.case
def interfaces():
    provoked("wan missing", "wan-missing", "fail", check="interfaces", config=changed(wan="eth9"))
    HOME.ip("link add wan9 type dummy\n")
    provoked("wan down", "wan-down", "fail", "ip link set dev wan9 up", config=changed(wan="wan9"))
    HOME.ip("link set wan9 up\n")
    provoked("wan without address", "wan-no-address", "warn", config=changed(wan="wan9"))
    provoked("a pattern that matches none", "wan-missing", "warn", "chatdnatctl set wan=eth0,INTERFACE", config=changed(wan="eth0,ppp+"))
    HOME.ip("link set wan9 down\n")
    mends("one of a pattern is down", "wan-down", changed(wan="eth0,wan+"), "ip link set dev wan9 up")
    HOME.ip("addr add 192.168.7.7/24 dev wan9\n")
    with Fake(config=changed(wan="wan9", v6="")) as fake:
        found = [each for each in checks(fake.run("check", "--json")) if each["check"] == "interfaces"]
        tap.ok(found and found[0]["result"] == "ok" and "private" in found[0]["text"] and "scope=local" in found[0]["text"],
               "1:1 NAT outside: noted, with scope")
    HOME.ip("link set wan9 down\n")
    provoked("via missing", "via-missing", "fail", check="via", config=newer(via="wg9"))
    provoked("via down", "via-down", "fail", "ip link set dev wan9 up", config=newer(via="wan9"))
    HOME.ip("link del wan9\nlink add wan9 type veth peer name wan8\nlink set wan9 up\n")
    provoked("via without carrier", "via-no-carrier", "warn", config=newer(via="wan9"))
    provoked("wan without carrier", "wan-no-carrier", "warn", config=changed(wan="eth0,wan9"))
    HOME.ip("link set wan8 up\n")
    HOME.sysctl(ipv6__conf__wan9__disable_ipv6=1)
    provoked("via without address", "via-no-address", "warn", config=newer(via="wan9"))
    HOME.ip("link del wan9\n")
    with Fake(config=CONFIG) as fake:
        skips(fake.run("check", "--json"), "a module without via", "via", "no setting via")


@case.case
def routes():
    HOME.ip("route add unreachable 100.64.0.0/10\n")
    provoked("no route", "relay-no-route", "fail", "ip route add 100.64.0.1 dev TUNNEL", check="route",
             config=changed(v4="100.64.0.1"))
    HOME.ip("route del unreachable 100.64.0.0/10\n")
    provoked("a local address", "relay-local", "fail", config=changed(v4=PROXY["ipv4"]))
    provoked("a private address by the WAN", "relay-leaks", "fail", "ip route replace 10.200.0.2 dev TUNNEL",
             "chatdnatctl set via=TUNNEL    # drops packets instead of leaking them", config=newer(v4="10.200.0.2"))
    provoked("a private IPv6 address by the WAN", "relay-leaks", "fail", config=newer(v6="fd77::2"))
    provoked("a public relay", "relay-by-wan", "warn", config=changed(v4="192.0.2.10"))
    with Fake(config=newer(v4="192.0.2.10", v6="", masquerade="off")) as fake:
        found = finds(fake.run("check", "--json"), "a public relay, masquerade=off", "relay-by-wan", "warn",
                      "chatdnatctl set masquerade=wan")
        tap.ok(found and "masquerade is off" in found["text"], "a public relay, masquerade=off: why")
    with Fake(config=newer(v4="192.0.2.10", v6="")) as fake:
        found = finds(fake.run("check", "--json"), "a public relay, masquerade=wan", "relay-by-wan", "warn")
        tap.ok(found and "masquerade is off" not in found["text"], "a public relay: masquerading fixes the first of its findings")
    provoked("not by via", "relay-not-via", "fail", f"ip route replace {RELAY['ipv4']} dev eth0", config=newer(via="eth0"))
    passes(Fake(config=newer(via="wg0")).run("check", "--json"), "by via", "route")

    HOME.ip("link set wg0 mtu 1420\n")
    provoked("small MTU, mss=off", "mss-not-clamped", "warn", "chatdnatctl set mss=auto", check="mtu", config=newer(mss="off"))
    provoked("small MTU, no such setting", "mss-not-clamped", "warn",
             "nft insert rule inet filter forward tcp flags syn tcp option maxseg size set rt mtu", config=CONFIG)
    provoked("mss too large", "mss-too-large", "warn", "chatdnatctl set mss=auto", config=newer(mss=1400))
    with Fake(config=newer(mss=1360, v6="")) as fake:
        passes(fake.run("check", "--json"), "mss fits", "mtu")
    mends("small MTU, mss=off", "mss-not-clamped", newer(mss="off"), "chatdnatctl set mss=auto")
    mends("mss too large", "mss-too-large", newer(mss=1400), "chatdnatctl set mss=auto")
    HOME.ip("link set wg0 mtu 1500\n")
    with Fake(config=newer(mss="off")) as fake:
        passes(fake.run("check", "--json"), "equal MTU, mss=off", "mtu")
    HOME.ip("route add 10.9.0.2/32 dev wg0 mtu 1300\n")
    provoked("small MTU of the route", "mss-not-clamped", "warn", config=newer(mss="off"))
    HOME.ip("route del 10.9.0.2/32 dev wg0\n")


@case.case
def narrow_wan():
    HOME.ip("link set eth0 mtu 1492\n")
    mends("PPPoE, mss=off", "mss-not-clamped", newer(mss="off"), "chatdnatctl set mss=auto")
    mends("PPPoE, mss=1460", "mss-too-large", newer(mss=1460, v6=""), "chatdnatctl set mss=auto")
    for relay in (RELAY, topo.PUBLIC):
        config = newer(v4=relay["ipv4"], v6="")
        with Fake(config=config.replace("mss=auto", "mss=1453")) as fake:
            found = finds(fake.run("check", "--json"), f"PPPoE, {relay['ipv4']}, mss=1453", "mss-too-large", "warn")
            tap.ok(found and "eth0, 1492" in found["text"], f"PPPoE, {relay['ipv4']}: the WAN is what is too small")
        with Fake(config=config.replace("mss=auto", "mss=1452")) as fake:
            passes(fake.run("check", "--json"), f"PPPoE, {relay['ipv4']}, mss=1452", "mtu")
    mends("PPPoE, no tunnel, mss=off", "mss-not-clamped", newer(mss="off", v4=topo.PUBLIC["ipv4"], v6=""), "chatdnatctl set mss=auto")
    HOME.ip("link set eth0 mtu 1500\n")
    with Fake(config=newer(mss="off", v4=topo.PUBLIC["ipv4"], v6="")) as fake:
        passes(fake.run("check", "--json"), "Ethernet, no tunnel, mss=off", "mtu")


@case.case
def too_small_for_ipv6():
    HOME.ip("-6 route add fd00:9::2/128 dev wg0 mtu 1200\n")
    mends("MTU of the IPv6 route", "mtu-too-small", newer(), "ip -6 route replace fd00:9::2 dev wg0 mtu 1280")
    HOME.ip("-6 route del fd00:9::2/128 dev wg0\nlink set wg0 mtu 1200\n")
    mends("MTU of via", "mtu-too-small", newer(via="wg0"), "ip link set dev wg0 mtu 1280")
    HOME.ip("link set wg0 mtu 1500\n-6 addr add fd00:9::1/64 dev wg0 nodad\n")
    with Fake(config=newer(via="wg0")) as fake:
        for check in ("mtu", "route"):
            passes(fake.run("check", "--json"), "IPv6 is back", check)


@case.case
def sysctls():
    for path, finding, outcome, command in (
            ("net/ipv4/ip_forward", "forwarding-off", "fail", "sysctl -w net.ipv4.ip_forward=1"),
            ("net/ipv6/conf/all/forwarding", "forwarding-off", "fail", "sysctl -w net.ipv6.conf.all.forwarding=1")):
        with sysctl(path, 0):
            provoked(path, finding, outcome, command)
    # Switching it on again resets what it governs.
    HOME.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    for path, value, command in (
            ("nf_conntrack_tcp_timeout_established", 600, "sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=432000"),
            ("nf_conntrack_udp_timeout", 20, "sysctl -w net.netfilter.nf_conntrack_udp_timeout=30"),
            ("nf_conntrack_udp_timeout_stream", 20, "sysctl -w net.netfilter.nf_conntrack_udp_timeout_stream=60")):
        with sysctl(f"net/netfilter/{path}", value):
            mends(path, "short-timeout", NEWER, command)
    for name, what in (("eth0", "the WAN interface's"), ("wg0", "the tunnel's")):
        with sysctl(f"net/ipv4/conf/{name}/forwarding", 0):
            mends(f"{what} own forwarding", "forwarding-off", NEWER, f"sysctl -w net.ipv4.conf.{name}.forwarding=1")
    with Fake() as fake:
        for check in ("forwarding", "timeouts", "conntrack", "default-route", "rp-filter"):
            passes(fake.run("check", "--json"), "healthy", check)

    HOME.ip("-6 route replace default via 2001:db8:1::fe proto ra\n")
    with sysctl("net/ipv6/conf/eth0/accept_ra", 1):
        provoked("router advertisements", "router-advertisements", "warn", "sysctl -w net.ipv6.conf.eth0.accept_ra=2")
        HOME.ip("-6 route del default via 2001:db8:1::fe proto ra\n")
        provoked("the route has expired", "no-default-route", "fail", "sysctl -w net.ipv6.conf.eth0.accept_ra=2")
    HOME.ip("-6 route replace default via 2001:db8:1::fe\n")
    HOME.ip("route del default\n")
    provoked("no IPv4 default route", "no-default-route", "fail", "ip route add default via GATEWAY dev eth0")
    HOME.ip("rule add from 203.0.113.1 table 77\nroute add default via 203.0.113.254 table 77\n")
    provoked("own tables only", "no-default-route", "fail", "ip route add default via 203.0.113.254 dev eth0")
    with Fake(config=NEWER) as fake:
        found = [each["text"] for each in checks(fake.run("check", "--json")) if each["id"] == "no-default-route"]
        tap.ok(found and "own routing table" in found[0], "own tables only: said so")
    mends("own tables only", "no-default-route", NEWER, "ip route add default via 203.0.113.254 dev eth0")
    HOME.ip("rule del from 203.0.113.1 table 77\nroute flush table 77\n"
            "route del default\nroute add default via 203.0.113.254\n")

    # A second way to the internet: what comes in there would be answered by the first.
    HOME.ip("link add wan9 type dummy\naddr add 198.18.0.1/24 dev wan9\nlink set wan9 up\n")
    with sysctl("net/ipv4/conf/wan9/rp_filter", 1):
        provoked("two WANs, strict", "rp-filter-strict", "warn", "sysctl -w net.ipv4.conf.wan9.rp_filter=2",
                 config=changed(wan="eth0,wan9"))
        HOME.ip("rule add from 198.18.0.1 table 77\nroute add default dev wan9 table 77\n")
        with Fake(config=changed(wan="eth0,wan9")) as fake:
            passes(fake.run("check", "--json"), "two WANs, strict, with a rule", "rp-filter")
        HOME.ip("rule del from 198.18.0.1 table 77\n")
    with sysctl("net/ipv4/conf/wan9/rp_filter", 0), sysctl("net/ipv4/conf/all/rp_filter", 1):
        mends("two WANs, strict for all", "rp-filter-strict", changed(wan="eth0,wan9"), "sysctl -w net.ipv4.conf.wan9.rp_filter=2")
    HOME.ip("link del wan9\n")


@case.case
def table_full():
    module.load(**settings())
    with traffic.Connection(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]):
        used = ctl.run("--json").json()["conntrack"]["count"]
        with sysctl("net/netfilter/nf_conntrack_max", used):
            finds(ctl.run("check", "--json"), "table full", "conntrack-full", "fail",
                  f"sysctl -w net.netfilter.nf_conntrack_max={2 * used}")
        passes(ctl.run("check", "--json"), "room again", "conntrack")


@case.case
def listeners():
    def listening(kind, address, port, family=socket.AF_INET, v6only=1):
        sock = socket.socket(family, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        sock.bind((address, port))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        return sock
    tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
    ports = changed(ports="25,993,3478/udp")
    for name, args, config, seen in (
            ("any address", (tcp, "", 25), ports, "25/tcp"),
            ("an address of the WAN", (tcp, PROXY["ipv4"], 25), ports, "25/tcp"),
            ("UDP", (udp, "", 3478), ports, "3478/udp"),
            ("IPv6", (tcp, "::", 993, socket.AF_INET6), ports, "993/tcp"),
            ("IPv6 that serves IPv4", (tcp, "::", 993, socket.AF_INET6, 0), changed(v6=""), "993/tcp"),
            ("IPv6 alone, IPv4 relay", (tcp, "::", 993, socket.AF_INET6), changed(v6=""), None),
            ("loopback", (tcp, "127.0.0.1", 25), ports, None),
            ("the tunnel's address", (tcp, TUNNEL["ipv4"], 25), ports, None),
            ("another port", (tcp, "", 26), ports, None),
            ("another protocol", (udp, "", 25), ports, None),
            ("another local address than the relay's", (tcp, PROXY["ipv4"], 25), changed(v4="10.9.0.2@203.0.113.2", v6=""), None),
            ("a relay's local address", (tcp, "203.0.113.2", 25), changed(v4="10.9.0.2@203.0.113.2", v6=""), "25/tcp")):
        with listening(*args), Fake(config=config) as fake:
            result = fake.run("check", "--json")
            if seen:
                found = finds(result, f"listening: {name}", "shadowed", "warn", "ss -lntup    # which programs listen")
                tap.ok(found and f" {seen}," in found["text"], f"listening: {name}: {seen}")
            else:
                passes(result, f"listening: {name}", "listeners")
    with Fake(config=changed(ports="25,40000-40009/udp")) as fake:
        text = [each["text"] for each in checks(fake.run("check", "--json")) if each["check"] == "local-ports"]
        tap.ok(text and text[0].startswith("10 forwarded UDP ports"), "local ports: counted, and ok")
    HOME.ip("link add wg9 type wireguard\n")
    HOME.run("wg", "set", "wg9", "listen-port", "51820")
    HOME.ip("link set wg9 up\n")
    provoked("guard=full, WireGuard", "tunnel-locked-out", "warn", "chatdnatctl set allow=22,51820/udp", check="guard",
             config=newer(guard="full"))
    with Fake(config=newer(guard="full", allow="22,51820/udp")) as fake:
        passes(fake.run("check", "--json"), "guard=full, WireGuard allowed", "guard")
        skips(fake.run("check", "--json", before=ctl.NOBODY), "guard=full, not root", "guard", "needs root")
    HOME.ip("link del wg9\n")
    provoked("guard=full, no SSH", "no-ssh", "warn", "chatdnatctl set allow=80,ssh", config=newer(guard="full", allow="80"))
    with Fake(config=newer(guard="full")) as fake:
        passes(fake.run("check", "--json"), "guard=full", "guard")


def raw_socket(protocol, family=socket.AF_INET, bound=None):
    sock = HOME.socket(family, socket.SOCK_RAW, protocol)
    if bound:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bound.encode())
    return sock


@case.case
def protocols():
    forbidden = pathlib.Path("/etc/modprobe.d/chatdnat-test.conf")
    forbidden.write_text("install raw_diag /bin/false\n", encoding="ascii")
    subprocess.run(["modprobe", "-r", "-q", "raw_diag"], check=False)
    skips(Fake(config=newer(guard="full")).run("check", "--json"), "a kernel without raw_diag", "guard", "no raw_diag")
    forbidden.unlink()
    if not kernel_has("raw_diag"):
        return
    full = newer(guard="full")
    for name, protocol, family, word in (("VRRP", 112, socket.AF_INET, "vrrp"), ("VRRP by IPv6", 112, socket.AF_INET6, "vrrp"),
                                         ("OSPF", 89, socket.AF_INET, "ospf"), ("OSPFv3", 89, socket.AF_INET6, "ospf"),
                                         ("EIGRP", 88, socket.AF_INET, "88/ip"), ("an unknown one", 200, socket.AF_INET, "200/ip")):
        with raw_socket(protocol, family):
            for guard in ("full", "strict"):
                mends(f"guard={guard}, {name}", "protocol-locked-out", newer(guard=guard), f"chatdnatctl set allow=22,{word}")
            for how in ({"guard": "full", "allow": f"22,{protocol}/ip"}, {"guard": "forward"}, {"guard": "off"}):
                with Fake(config=newer(**how)) as fake:
                    passes(fake.run("check", "--json"), f"{name}, {how}", "guard")
    with raw_socket(112), Fake(config=full) as fake:
        found = finds(fake.run("check", "--json"), "VRRP", "protocol-locked-out", "fail", "ss -awp    # which program it is")
        tap.ok(found and "VRRP (112)" in found["text"] and "backup" in found["text"], "VRRP: by name and number, and what comes of it")
        HOME.run("ss", "-awp")
    for name, protocol, family in (("ICMP", 1, socket.AF_INET), ("IGMP", 2, socket.AF_INET), ("TCP", 6, socket.AF_INET),
                                   ("UDP", 17, socket.AF_INET), ("ICMPv6", 58, socket.AF_INET6), ("only sending", 255, socket.AF_INET)):
        with raw_socket(protocol, family), Fake(config=full) as fake:
            passes(fake.run("check", "--json"), f"a raw socket, {name}", "guard")
    with raw_socket(112, bound="wg0"):
        with Fake(config=full) as fake:
            passes(fake.run("check", "--json"), "VRRP inside alone, guard=full", "guard")
        mends("VRRP inside alone, guard=strict", "protocol-locked-out", newer(guard="strict"), "chatdnatctl set allow=22,vrrp")
    with raw_socket(112, bound="eth0"):
        mends("VRRP by the WAN alone", "protocol-locked-out", full, "chatdnatctl set allow=22,vrrp")
    HOME.ip("link add vrf9 type vrf table 99\nlink add wan9 type dummy\nlink set wan9 master vrf9\n")
    for bound, wan in (("vrf9", "wan9"), ("wan9", "vrf9")):
        with raw_socket(112, bound=bound), Fake(config=newer(guard="full", wan=f"eth0,{wan}")) as fake:
            finds(fake.run("check", "--json"), f"bound to {bound}, wan={wan}", "protocol-locked-out", "fail")
    HOME.ip("link del wan9\nlink del vrf9\n")
    # All commands, one after the other: none takes back what another allowed.
    with raw_socket(112), raw_socket(89):
        mends("several at once", "protocol-locked-out", newer(guard="full", allow=""), "chatdnatctl set allow=ospf,vrrp")
        with Fake(config=newer(guard="full", allow="")) as fake:
            fixes = [command for each in checks(fake.run("check", "--json")) if each["check"] == "guard" for command in each["fix"]]
            tap.ok("chatdnatctl set allow=ospf" in fixes and "chatdnatctl set allow=ospf,vrrp,ssh" in fixes, "each continues from the one before")
    with Fake(config=newer(guard="paranoid")) as fake:
        skips(fake.run("check", "--json"), "a guard of a newer module", "guard", "guard=paranoid is not understood")
    with Fake(config=newer(guard="full", allow="22,novel/ip")) as fake:
        skips(fake.run("check", "--json"), "an element of a newer module", "guard", "allow=22,novel/ip is not understood")


@case.case
def the_kernel_takes_the_protocols():
    if not kernel_has("raw_diag"):
        return
    with raw_socket(112), raw_socket(89), raw_socket(200):
        for guard in ("full", "strict"):
            module.load(**settings(guard=guard))
            result = ctl.run("check", "--json")
            fixes = [command for each in checks(result) if each["id"] == "protocol-locked-out" for command in each["fix"]]
            for command in fixes:
                if command.startswith("chatdnatctl set "):
                    tap.equal(ctl.run(*command.split()[1:]).status, 0, f"guard={guard}: {command} is taken")
            tap.equal(module.get("allow"), "22,89/ip,112/ip,200/ip", f"guard={guard}: in the kernel")
            left = [each["text"] for each in checks(ctl.run("check", "--json")) if each["id"] == "protocol-locked-out"]
            tap.equal(left, [], f"guard={guard}: nothing is left")
            module.unload()


@case.case
def tunnels_without_ports():
    internet, inside = f"local {PROXY['ipv4']} remote {INTERNET['ipv4']}", f"local {TUNNEL['ipv4']} remote {RELAY['ipv4']}"
    internet6 = f"local {PROXY['ipv6']} remote {INTERNET['ipv6']}"
    for driver, kind, words, allowed in (
            ("ip_gre", "gre", internet, "gre"), ("ip_gre", "gretap", internet, "gre"), ("ip_gre", "gre", "external", "gre"),
            ("ip6_gre", "ip6gre", internet6, "gre"), ("ipip", "ipip", internet, "4/ip"), ("sit", "sit", internet, "41/ip"),
            ("ip6_tunnel", "ip6tnl", f"mode ip6ip6 {internet6}", "41/ip"), ("ip6_tunnel", "ip6tnl", f"mode ipip6 {internet6}", "4/ip")):
        if not kernel_has(driver):
            continue
        name = f"{kind} {words.partition(' local')[0]}"
        HOME.ip(f"link add tun9 type {kind} {words}\n")
        with Fake(config=newer(guard="full")) as fake:
            passes(fake.run("check", "--json"), f"{name}, down", "guard")
        HOME.ip("link set tun9 up\n")
        mends(name, "tunnel-locked-out", newer(guard="full"), f"chatdnatctl set allow=22,{allowed}")
        HOME.ip("link del tun9\n")
    HOME.ip(f"link add tun9 type gre {inside}\nlink set tun9 up\n")
    with Fake(config=newer(guard="full")) as fake:
        passes(fake.run("check", "--json"), "the other end is inside, guard=full", "guard")
    mends("the other end is inside, guard=strict", "tunnel-locked-out", newer(guard="strict"), "chatdnatctl set allow=22,gre")
    HOME.ip("link del tun9\n")
    if kernel_has("fou"):
        subprocess.run(["modprobe", "fou"], check=True)
        HOME.ip(f"link add tun9 type gre {internet} encap gue encap-sport auto encap-dport 5555\nlink set tun9 up\n")
        with Fake(config=newer(guard="full")) as fake:
            passes(fake.run("check", "--json"), "GRE within UDP", "guard")
        HOME.ip("link del tun9\n")


@case.case
def ipsec():
    def state(to, source, protocol="esp", more=""):
        HOME.run("sh", "-ec", f"ip xfrm state add src {source} dst {to} proto {protocol} spi 0x100 mode tunnel " +
                 ("enc 'ecb(cipher_null)' ''" if protocol == "esp" else "auth 'hmac(sha256)' 0x" + "11" * 32) + more)
    full = newer(guard="full")
    with Fake(config=full) as fake:
        fake.run("check")
        tap.ok("xfrm_user" not in pathlib.Path("/proc/modules").read_text(encoding="ascii"), "IPsec: nothing is loaded by looking")
    for version in topo.ip_versions():
        own, peer = PROXY[version], INTERNET[version]
        state(own, peer)
        mends(f"{version}, ESP", "tunnel-locked-out", full, "chatdnatctl set allow=22,esp")
        for guard, config in (("forward", newer(guard="forward")), ("full, allowed", newer(guard="full", allow="22,50/ip"))):
            with Fake(config=config) as fake:
                passes(fake.run("check", "--json"), f"{version}, ESP, guard={guard}", "guard")
        with Fake(config=full) as fake:
            skips(fake.run("check", "--json", before=ctl.NOBODY), f"{version}, not root", "guard", "needs root")
        HOME.run("ip", "xfrm", "state", "flush")
        for name, args in (("the other direction", (peer, own)), ("from inside", (TUNNEL[version], RELAY[version])),
                           ("within UDP", (own, peer, "esp", " encap espinudp 4500 4500 0.0.0.0"))):
            state(*args)
            with Fake(config=full) as fake:
                passes(fake.run("check", "--json"), f"{version}, ESP {name}", "guard")
            if name == "from inside":
                mends(f"{version}, ESP {name}, guard=strict", "tunnel-locked-out", newer(guard="strict"), "chatdnatctl set allow=22,esp")
            HOME.run("ip", "xfrm", "state", "flush")
        if not kernel_has("ah4", "ah6"):
            continue
        state(own, peer, "ah")
        mends(f"{version}, AH", "tunnel-locked-out", full, "chatdnatctl set allow=22,51/ip")
        HOME.run("ip", "xfrm", "state", "flush")


@case.case
def strict():
    def listening(kind, address, port):
        sock = HOME.socket(socket.AF_INET, kind)
        sock.bind((address, port))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        return sock
    tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
    guarded = newer(guard="strict")
    with Fake(config=guarded) as fake:
        passes(fake.run("check", "--json"), "guard=strict", "guard")
    for name, args, severity, seen in (
            ("a resolver inside", (udp, TUNNEL["ipv4"], 53), "warning", "53/udp"),
            ("a resolver everywhere", (tcp, "", 53), "warning", "53/tcp"),
            ("a DHCP server", (udp, "", 67), "warning", "67/udp"),
            ("a service inside", (tcp, TUNNEL["ipv4"], 9100), "warning", "9100/tcp"),
            ("a service everywhere", (tcp, "", 9100), "note", "9100/tcp"),
            ("SSH", (tcp, "", 22), None, None),
            ("a service of the WAN's", (tcp, PROXY["ipv4"], 9100), None, None),
            ("a service of its own", (tcp, "127.0.0.1", 9100), None, None),
            ("a DHCP client", (udp, "", 68), None, None),
            ("who asks", (udp, "", 40000), None, None)):
        with listening(*args), Fake(config=guarded) as fake:
            result = fake.run("check", "--json")
            if not seen:
                passes(result, f"guard=strict: {name}", "guard")
                continue
            found = finds(result, f"guard=strict: {name}", "inside-locked-out", "warn", "ss -lntup    # which programs listen")
            tap.ok(found and f": {seen}." in found["text"], f"guard=strict: {name}: {seen}")
            tap.equal(fake.run("--json").findings()["inside-locked-out"]["severity"], severity, f"guard=strict: {name}: a {severity}")
            mends(f"guard=strict: {name}", "inside-locked-out", guarded,
                  "chatdnatctl set guard=full    # judges the WAN interfaces only")
    with listening(udp, "", 53), listening(tcp, "", 9100), Fake(config=guarded) as fake:
        text = fake.run("--json").findings()["inside-locked-out"]["text"]
        tap.ok("9100/tcp" in text and "Apparently services for the inside: 53/udp." in text, "guard=strict: which are for inside")
    provoked("guard=strict, no SSH", "no-ssh", "warn", "chatdnatctl set allow=ssh", config=newer(guard="strict", allow=""))

    # Hosts behind: containers, a LAN.
    HOME.ip("link add lan9 type bridge\naddr add 10.9.77.1/24 dev lan9\nlink set lan9 up\n")
    with Fake(config=guarded) as fake:
        passes(fake.run("check", "--json"), "a bridge without hosts", "guard")
    HOME.ip("link add host9 type dummy\nlink set host9 master lan9 up\n")
    mends("a bridge with hosts", "inside-cut-off", guarded, "chatdnatctl set guard=full    # judges the WAN interfaces only")
    with Fake(config=guarded) as fake:
        tap.equal(fake.run("--json").findings()["inside-cut-off"]["severity"], "warning", "a bridge with hosts: a warning")
    HOME.ip("link del host9\nlink del lan9\nlink add lan9 type veth peer name lan8\naddr add 10.9.77.1/24 dev lan9\n"
            "link set lan8 up\nlink set lan9 up\nlink add link lan9 name lan9.5 type vlan id 5\naddr add 10.9.78.1/24 dev lan9.5\nlink set lan9.5 up\n")
    with Fake(config=guarded) as fake:
        found = fake.run("--json").findings()["inside-cut-off"]
        tap.ok(found["severity"] == "note" and "lan9.5 to the relay" in found["text"], "a VLAN: a note")
    with Fake(config=newer(guard="strict", v4="10.9.78.2", v6="")) as fake:
        passes(fake.run("check", "--json"), "the relay's own network", "guard")
    HOME.ip("link del lan9\n")


@contextlib.contextmanager
def later(seconds):
    """The wall clock, put forward."""
    time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)
    try:
        yield
    finally:
        time.clock_settime(time.CLOCK_REALTIME, time.time() - seconds)


@case.case
def wireguard():
    ends = {HOME: ("wg9", 1), t.relay: ("wg8", 2)}
    keys = {}
    for ns, (name, n) in ends.items():
        private = ns.run("wg", "genkey").strip()
        ns.ip(f"link add {name} type wireguard\n"
              f"addr add 10.77.0.{n}/24 dev {name}\n-6 addr add fd77:9::{n}/64 dev {name} nodad\n")
        ns.run("sh", "-ec", f"echo {private} | wg set {name} private-key /dev/stdin listen-port 5182{n}")
        ns.ip(f"link set {name} up\n")
        keys[ns] = (private, ns.run("wg", "show", name, "public-key").strip())
    private, public = keys[t.relay]
    config = newer(v4="10.77.0.2", v6="fd77:9::2", via="wg9")

    def look(**how):
        with Fake(config=config) as fake:
            return fake.run("check", "--json", **how)
    set_to = "wg set wg9 peer"
    found = finds(look(), "no peer at all", "no-peer", "fail",
                  f"{set_to} RELAYS-PUBLIC-KEY allowed-ips 10.77.0.2/32    # and a [Peer] in its file",
                  f"{set_to} RELAYS-PUBLIC-KEY allowed-ips fd77:9::2/128    # and a [Peer] in its file")
    tap.ok(found and "10.77.0.2" in found["text"], "no peer at all: which relay")
    HOME.run("wg", "set", "wg9", "peer", public, "allowed-ips", "192.0.2.0/25,10.77.0.128/25")
    mends("not in AllowedIPs", "no-peer", config,
          f"{set_to} \"$(wg show wg9 peers)\" allowed-ips 192.0.2.0/25,10.77.0.128/25,10.77.0.2/32,fd77:9::2/128"
          "    # and AllowedIPs in its file")
    stranger = t.relay.run("sh", "-ec", "wg genkey | wg pubkey").strip()
    HOME.run("wg", "set", "wg9", "peer", stranger, "allowed-ips", "10.77.0.2/31")
    result = look()
    tap.equal([each["id"] for each in checks(result) if each["check"] == "wireguard"], ["tunnel-never-up"],
              "the longest prefix counts, and one peer is named once")
    HOME.run("wg", "set", "wg9", "peer", public, "allowed-ips", "10.77.0.128/25")
    finds(look(), "several peers", "no-peer", "fail", "wg show wg9 allowed-ips    # which peer is the relay?",
          f"{set_to} RELAYS-PUBLIC-KEY allowed-ips ITS-PRESENT-ONES,fd77:9::2/128    # and AllowedIPs in its file")
    HOME.run("wg", "set", "wg9", "peer", stranger, "remove")

    # More than one message holds, and the relay's in the last.
    many = [f"10.{n // 256}.{n % 256}.0/24" for n in range(100 * 256, 108 * 256)]
    HOME.run("sh", "-ec", f"wg setconf wg9 /dev/stdin <<E\n[Interface]\nPrivateKey = {keys[HOME][0]}\nListenPort = 51821\n"
             f"[Peer]\nPublicKey = {public}\nEndpoint = 10.9.0.2:51822\n"
             f"AllowedIPs = {','.join(many)},10.77.0.2/32,fd77:9::2/128\nE\n")
    t.relay.run("wg", "set", "wg8", "peer", keys[HOME][1], "allowed-ips", "0.0.0.0/0,::/0")
    wake = "ping -c 3 10.77.0.2    # a tunnel that is merely idle wakes up"
    mends("never a handshake", "tunnel-never-up", config, wake)
    passes(look(), "a fresh handshake", "wireguard")
    with later(200):
        found = finds(look(), "an old handshake", "tunnel-silent", "warn", wake)
        tap.ok(found and " s ago" in found["text"], "an old handshake: how old")
        # The keys have not expired, which is by another clock.
        HOME.ip("link set wg9 down\nlink set wg9 up\n")
        mends("the tunnel was idle", "tunnel-silent", config, wake)
        with later(200):
            t.relay.ip("link set wg8 down\n")
            HOME.ip("link set wg9 down\nlink set wg9 up\n")
            HOME.run("sh", "-c", "ping -c 1 -W 1 10.77.0.2 || :")
            finds(look(), "the relay's end is down", "tunnel-silent", "warn", wake)
    passes(look(), "a handshake from the future", "wireguard")
    skips(look(before=ctl.NOBODY), "not root", "wireguard", "needs root")
    output = "".join(str(vars(each)) for each in (look(), result)) + Fake(config=config).run("status").out
    tap.ok(not any(key in output for pair in keys.values() for key in pair), "no key is printed")
    HOME.ip("link set wg9 down\n")
    passes(look(), "down", "wireguard")
    for ns, (name, _) in ends.items():
        ns.ip(f"link del {name}\n")


@case.case
def amneziawg():
    imitated.module(HOME, "/run/amneziawg.ko")
    imitated.program("/usr/local/bin/awg")
    HOME.run("insmod", "/run/amneziawg.ko")
    ends = {HOME: ("wg9", 1), t.relay: ("wg8", 2)}
    keys = {}
    for ns, (name, n) in ends.items():
        ns.ip(f"link add {name} type amneziawg\naddr add 10.77.0.{n}/24 dev {name}\n")
        ns.run("sh", "-ec", f"wg genkey | awg set {name} private-key /dev/stdin listen-port 5182{n}")
        ns.ip(f"link set {name} up\n")
        keys[ns] = ns.run("awg", "show", name, "public-key").strip()
    config = newer(v4="10.77.0.2", v6="", via="wg9")

    def look(config=config):
        with Fake(config=config) as fake:
            return fake.run("check", "--json")
    try:
        finds(look(), "AmneziaWG: no peer", "no-peer", "fail",
              "awg set wg9 peer RELAYS-PUBLIC-KEY allowed-ips 10.77.0.2/32    # and a [Peer] in its file")
        HOME.run("awg", "set", "wg9", "peer", keys[t.relay], "endpoint", "10.9.0.2:51822", "allowed-ips", "10.77.0.128/25")
        mends("AmneziaWG: not in AllowedIPs", "no-peer", config,
              "awg set wg9 peer \"$(awg show wg9 peers)\" allowed-ips 10.77.0.128/25,10.77.0.2/32    # and AllowedIPs in its file")
        t.relay.run("awg", "set", "wg8", "peer", keys[HOME], "allowed-ips", "0.0.0.0/0")
        finds(look(), "AmneziaWG: never a handshake", "tunnel-never-up", "warn", "awg-quick up WG    # on the relay")
        HOME.run("ping", "-c", "1", "-w", "10", "10.77.0.2")
        passes(look(), "AmneziaWG: a fresh handshake", "wireguard")
        finds(look(newer(guard="full")), "AmneziaWG: guard=full", "tunnel-locked-out", "warn", "chatdnatctl set allow=22,51821/udp")
    finally:
        for ns, (name, _) in ends.items():
            ns.ip(f"link del {name}\n")
        HOME.run("rmmod", "amneziawg")



@case.case
def counters():
    with Fake() as fake:
        passes(fake.run("check", "--json"), "healthy", "counters")
    zero = dict.fromkeys(module.COUNTERS, 0)
    with Fake(stats=zero) as fake:
        skips(fake.run("check", "--json"), "nothing yet", "counters", "no connection has arrived")
    provoked("not translated", "not-translated", "fail", stats={"translated": 0, "sent": 0, "answered": 0})
    provoked("not sent", "not-sent", "fail", "nft insert rule inet filter forward ct status dnat accept",
             stats={"sent": 0, "answered": 0})
    provoked("not answered", "not-answered", "fail", "ip rule add from 10.9.0.2 table 100    # on the relay", stats={"answered": 0})
    with Fake(stats={"sent": 0, "answered": 0, "dropped_via": 100}) as fake:
        tap.ok("not-sent" not in fake.run("check", "--json").out, "dropped by via: no firewall is blamed")
    with Fake(config=newer(guard="full"), stats={"dropped_input": 5, "dropped_forward": 5, "dropped_invalid": 5, "clamped": 5}) as fake:
        passes(fake.run("check", "--json"), "what guard=full is there to drop", "counters")


@case.case
def answered_elsewhere():
    """Without state the relay's replies may leave by another proxy: from here they look like those of a dead relay."""
    versions = topo.ip_versions()
    named = {topo.SETTING[version]: f"{RELAY[version]}@{PROXY[version]}" for version in versions}
    module.load(**settings(ports="993", engine="stateless", **named))
    nft("table inet x { chain o { type filter hook output priority 0; tcp sport 993 drop; } }", t.relay)
    for version in versions:
        traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version], timeout=0.5)
    result = ctl.run("check", "--json")
    found = finds(result, "stateless, not answered", "not-answered", "warn", "chatdnatctl check --probe    # whether the relay answers this host")
    tap.ok(found and "another proxy" in found["text"], "stateless, not answered: may be another proxy's")
    tap.equal((result.status, result.json()["failed"]), (0, False), "stateless, not answered: exit status 0")
    pasted = {command.partition("    #")[0] for each in checks(result) for command in each["fix"] if command.startswith("chatdnatctl set ")}
    for command in sorted(pasted):
        tap.equal(ctl.run(*command.split()[1:]).status, 0, f"stateless: {command} is taken")
    tap.ok(not any("masquerade=all" in command for command in pasted), "stateless: nothing that is refused")
    for engine, refused in (("stateless", True), ("auto", False)):
        tap.equal(ctl.run("set", f"engine={engine}", "masquerade=all").status != 0, refused, f"engine={engine}: masquerade=all is refused: {refused}")
        ctl.run("set", f"engine={engine}", "masquerade=wan")
        fixes = [command for each in checks(ctl.run("check", "--json")) if each["id"] == "not-answered" for command in each["fix"]]
        tap.equal(any("masquerade=all" in command for command in fixes), not refused, f"engine={engine}: proposed where it is taken")
    t.relay.nft("delete table inet x")
    module.set("engine", "stateless")
    found = finds(ctl.run("check", "--probe", "--json"), "the probe is answered", "not-answered", "warn")
    tap.ok(found and "does answer this host itself" in found["text"], "the probe is answered: so the relay is alive")
    module.set("engine", "tracked")
    finds(ctl.run("check", "--json"), "tracked, not answered", "not-answered", "fail",
          "chatdnatctl set masquerade=all    # instead; hides the clients' addresses")


@case.case
def commands_that_an_engine_takes():
    """Under engine=stateless the kernel refuses any change while a relay cannot be served so, for which it was loaded."""
    named = {topo.SETTING[version]: f"{topo.PUBLIC[version]}@{PROXY[version]}" for version in topo.ip_versions()}
    plain = {topo.SETTING[version]: RELAY[version] for version in topo.ip_versions()}
    HOME.ip("addr replace 203.0.113.2/24 dev eth0\n-6 addr replace 2001:db8:1::2/64 dev eth0 nodad\n")
    for name, relays in (("its route is by the WAN", named), ("several addresses", plain)):
        for engine in ("tracked", "auto", "stateless"):
            how = settings(ports="993,3478/udp", masquerade="off", guard="full", allow="80", enabled="0", engine=engine, **relays)
            module.load(**how)
            what = f"{name}, engine={engine}"
            result = ctl.run("check", "--json")
            found = [each for each in checks(result) if each["id"] == "stateless-refused"]
            tap.equal(len(found), int(engine == "stateless"), f"{what}: said if it is so")
            tried = {command.partition("    #")[0] for each in checks(result) for command in each["fix"]
                     if command.startswith("chatdnatctl set ") and not any(word.isupper() for word in command.replace("=", " ").split())}
            tap.ok(len(tried) > 2, f"{what}: there are commands")
            for command in sorted(tried):
                # Each by itself, as the first to be run.
                done = ctl.run(*command.split()[1:])
                if not tap.equal(done.status, 0, f"{what}: {command} is taken"):
                    tap.diag(done.err)
                module.unload()
                module.load(**how)
            module.unload()


@case.case
def standby():
    """A local address that is named and not here is another proxy's at the moment."""
    own = {"ipv4": "203.0.113.77", "ipv6": "2001:db8:1::77"}
    versions = topo.ip_versions()
    named = {topo.SETTING[version]: f"{RELAY[version]}@{own[version]}" for version in versions}
    for engine in ("tracked", "auto"):
        module.load(**settings(ports="993", engine=engine, **named))
        look = [f"ip address show to {own[version]}    # prints the interface once it is here" for version in versions]
        result = ctl.run("check", "--json")
        finds(result, f"engine={engine}, a standby", "named-address-absent", "warn", *look)
        bad = [each for each in checks(result) if each["result"] in ("warn", "fail") and each["id"] not in ("named-address-absent", "not-saved")]
        tap.equal((result.status, bad), (0, []), f"engine={engine}, a standby: nothing else, exit status 0")
        result = ctl.run("--json")
        worse = [each for each in result.json()["findings"] if each["severity"] != "note"]
        tap.equal((result.findings()["named-address-absent"]["severity"], worse), ("note", []), f"engine={engine}, a standby: a note at most")
        tap.equal([each["standby"] for each in result.json()["relays"]], [True] * len(versions), f"engine={engine}, a standby: in JSON")
        tap.ok(f"for {own['ipv4']} (not here now), dev wg0" in " ".join(ctl.run().out.split()), f"engine={engine}, a standby: as text")
        for command in look:
            HOME.run("sh", "-ec", command)
        HOME.ip("".join(f"{flag}addr add {own[version]}/{length} dev eth0{nodad}\n" for version, flag, length, nodad in
                        (("ipv4", "", 24, ""), ("ipv6", "-6 ", 64, " nodad"))))
        passes(ctl.run("check", "--json"), f"engine={engine}, the address has come", "named-addresses")
        tap.equal([each["standby"] for each in ctl.run("--json").json()["relays"]], [False] * len(versions), f"engine={engine}, come: in JSON")
        HOME.ip(f"addr del {own['ipv4']}/24 dev eth0\n-6 addr del {own['ipv6']}/64 dev eth0\n")
        module.unload()
    # The WAN has no address of its own: that, too, is as it should be on a standby.
    HOME.ip("link add wan9 type dummy\nlink set wan9 up\n")
    for own_address, finding in (("@203.0.113.77", False), ("", True)):
        with Fake(config=changed(wan="wan9", v4=f"10.9.0.2{own_address}", v6="")) as fake:
            ids = [each["id"] for each in checks(fake.run("check", "--json"))]
            tap.equal("wan-no-address" in ids, finding, f"10.9.0.2{own_address}, WAN without address: a finding: {finding}")
    HOME.ip("link del wan9\n")
    with Fake(config=changed(v4="10.9.0.2@203.0.113.77", v6="", scope="any")) as fake:
        passes(fake.run("check", "--json"), "scope=any: an address that is routed here", "named-addresses")


@case.case
def drops_then_and_now():
    def past(name, number, word, **how):
        with Fake(**how) as fake:
            result = fake.run("check", "--json")
            passes(result, name, "counters")
            tap.ok(any(f"Earlier {number} " in each["text"] and word in each["text"] for each in checks(result)),
                   f"{name}: how many it was")
    drops = {"dropped_via": 7, "dropped_source": 3, "dropped_nat": 5}
    HOME.ip("route add 10.9.0.2/32 via 203.0.113.254\n")
    mends("dropped by via", "dropped-via", newer(v6="", via="wg0"), "ip route replace 10.9.0.2 dev wg0", stats=drops)
    HOME.ip("route del 10.9.0.2/32\n")
    past("dropped by via, once", 7, "interface via", config=newer(via="wg0"), stats=drops)
    past("dropped by via, which is unset", 7, "interface via", config=newer(), stats=drops)
    HOME.ip("link add wan9 type dummy\nlink set wan9 up\n")
    config = newer(wan="eth0,wan9", v6="")
    with Fake(config=config, stats=drops) as fake:
        finds(fake.run("check", "--json"), "no source", "dropped-source", "warn", "ip address add ADDRESS/PREFIX dev wan9")
    HOME.ip("address add 198.18.0.1/24 dev wan9\n")
    past("no source, once", 3, "no address", config=config, stats=drops)
    HOME.ip("link del wan9\n")
    with elsewhere(meminfo=b"MemTotal:  1000000 kB\nMemFree:  9 kB\nMemAvailable:  40000 kB\n") as top, Fake(stats=drops) as fake:
        finds(fake.run("check", "--json", places={"/proc/meminfo": top / "meminfo"}), "no memory", "dropped-nat", "warn",
              "free -m    # and what uses it: top -o %MEM")
    past("no memory, once", 5, "memory", stats=drops)


@contextlib.contextmanager
def server(port, *lines):
    """Says these lines to whoever connects to the relay, and waits."""
    sock = t.relay.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", port))
    sock.listen()
    held = []

    def serve():
        try:
            while True:
                held.append(sock.accept()[0])
                for line in lines:
                    held[-1].send(line)
        except OSError:
            pass
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        sock.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for each in (sock, *held):
            each.close()


@contextlib.contextmanager
def silent(ports, ns):
    """What comes to the ports there is dropped."""
    nft(f"table inet x {{ chain i {{ type filter hook input priority 0; tcp dport {{ {ports} }} drop; }} }}", ns)
    try:
        yield
    finally:
        ns.nft("delete table inet x")


@case.case
def probe():
    with server(587, b"220 mx ESMTP\r\n", b"more\r\n"), server(143), silent("80, 1000-1002", t.relay), \
            Fake(config=newer(v6="", ports="25,80,143,443,587,993,1000-1002,3478/udp")) as fake:
        begin = time.monotonic()
        result = fake.run("check", "--probe", "--json")
        # One after the other, the four that are silent would take twenty.
        tap.ok(time.monotonic() - begin < 20, "probe: all at once")
        probes = {each["text"].split(":")[0]: each for each in checks(result) if each["check"] == "probe"}
        got = {name.split()[-1]: (each["result"], each["id"]) for name, each in probes.items()}
        tap.equal(got, {"25": ("ok", "probe"), "80": ("fail", "probe-failed"), "143": ("warn", "probe-silent"),
                        "443": ("fail", "probe-failed"), "587": ("ok", "probe"), "993": ("ok", "probe"),
                        "1000": ("fail", "probe-failed"), "1001": ("fail", "probe-failed"), "1002": ("fail", "probe-failed")},
                  "probe: each TCP port, and what became of it")
        tap.ok("no answer" in probes["10.9.0.2 port 80"]["text"], "probe: dropped")
        tap.ok("refused" in probes["10.9.0.2 port 443"]["text"], "probe: refused")
        tap.equal(probes["10.9.0.2 port 443"]["fix"], ["ss -lnt 'sport = :443'    # on the relay"], "probe: what to look at")
        tap.ok(probes["10.9.0.2 port 587"]["text"].endswith("connected from 10.9.0.1: 220 mx ESMTP"), "probe: the banner's first line")
        tap.equal(result.status, 1, "probe: exit status 1")
        skips(result, "probe", "egress", "mail server")


@case.case
def probe_outward_and_many():
    with Fake(config=newer(ports="25,993")) as fake:
        result = fake.run("check", "--probe", INTERNET["ipv4"], INTERNET["ipv6"], "--json")
        passes(result, "both families", "probe")
        passes(result, "port 25 outward", "egress")
        with silent(25, t.internet):
            finds(fake.run("check", "--probe", INTERNET["ipv4"], "--json"), "port 25 outward, blocked", "egress-blocked", "fail")
        tap.equal(fake.run("check", "--probe", "mx.example.org").status, 2, "a name is no address")
        tap.equal(fake.run("check", "192.0.2.1").status, 2, "an address without --probe")
        skips(fake.run("check", "--json"), "without --probe", "probe", "--probe only")
    with Fake(config=newer(v6="", ports="1000-2000,25," + ",".join(map(str, range(3000, 3200, 2))))) as fake:
        result = fake.run("check", "--probe", "--json")
        tried = [each for each in checks(result) if each["id"] == "probe-failed" or (each["id"], each["result"]) == ("probe", "ok")]
        tap.equal(len(tried), 64, "many ports: 64 are tried")
        skips(result, "many ports", "probe", "1038 more ports")


class Dns:
    """A name server on loopback: PTR and addresses by name, and nothing of what is not there."""

    def __init__(self):
        self.pointers, self.addresses = {}, {}
        self.sock = HOME.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        query, peer = self.sock.recvfrom(512)
        while query:
            self.sock.sendto(self.answer(query), peer)
            query, peer = self.sock.recvfrom(512)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, kind, end = ".".join(labels).lower(), int.from_bytes(query[at + 1:at + 3], "big"), at + 5
        data = None
        if kind == 12 and name in self.pointers:
            data = b"".join(bytes([len(label)]) + label.encode() for label in self.pointers[name].split(".")) + b"\0"
        for address in self.addresses.get(name, ()):
            packed = ipaddress.ip_address(address).packed
            if len(packed) == {1: 4, 28: 16}.get(kind):
                data = packed
        # An answer, authoritative; "no such name" where nothing is known of it.
        known = name in self.pointers or name in self.addresses
        head = query[:2] + bytes([0x85, 0x80 if known else 0x83, 0, 1, 0, data is not None, 0, 0, 0, 0])
        record = b"" if data is None else (b"\xc0\x0c" + query[at + 1:end] + b"\0\0\0\0" + len(data).to_bytes(2, "big") + data)
        return head + query[12:end] + record

    def point(self, address, name):
        self.pointers[ipaddress.ip_address(address).reverse_pointer] = name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # An empty one ends it.
        self.sock.sendto(b"", self.sock.getsockname())
        self.thread.join(5)
        self.sock.close()


@case.case
def reverse_dns():
    HOME.ip("".join(f"addr del 203.0.113.{n}/24 dev eth0\n-6 addr del 2001:db8:1::{n}/64 dev eth0\n" for n in (2, 3)))

    def look(config=NEWER, to=(INTERNET["ipv4"],), **places):
        with Fake(config=config) as fake:
            return fake.run("check", "--probe", *to, "--json", places=places or None)
    conf = pathlib.Path("/etc/resolv.conf")
    conf.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", encoding="ascii")
    skips(look(), "nobody answers", "reverse-dns", "DNS lookup of")
    skips(look(to=()), "no mail server", "reverse-dns", "--probe ADDRESS")
    with Dns() as dns:
        result = look()
        finds(result, "no PTR", "no-ptr", "warn", "getent hosts 203.0.113.1    # prints that name, once it is set",
              "getent hosts 2001:db8:1::1    # prints that name, once it is set")
        for version in topo.ip_versions():
            dns.point(PROXY[version], "relay.example")
        finds(look(), "the name is unknown", "ptr-not-confirmed", "warn",
              "getent ahosts relay.example    # prints the address, once it is set")
        dns.addresses["relay.example"] = [PROXY["ipv6"], "203.0.113.77"]
        found = finds(look(), "another address", "ptr-not-confirmed", "warn")
        tap.ok(found and found["text"].startswith("203.0.113.1 ") and "an A record" in found["text"], "another address: of one family")
        dns.addresses["relay.example"] = list(PROXY.values())
        result = look()
        passes(result, "confirmed", "reverse-dns")
        tap.ok("203.0.113.1 has the name relay.example" in result.out, "confirmed: the name")
        HOME.run("getent", "hosts", "203.0.113.1")
        HOME.run("getent", "ahosts", "relay.example")
        skips(look(newer(v4=topo.PUBLIC["ipv4"])), "a relay that sends by itself", "reverse-dns", "its own address")
        with elsewhere(address=b"203.0.113.1 box\n", name=b"# x\n127.0.1.1\tbox RELAY.example\n") as top:
            skips(look(**{"/etc/hosts": top / "address"}), "in /etc/hosts", "reverse-dns", "203.0.113.1 is in /etc/hosts")
            skips(look(**{"/etc/hosts": top / "name"}), "the name in /etc/hosts", "reverse-dns", "relay.example, which is in")
        dns.point(PROXY["ipv4"], "\x1b[2J$(reboot);x.example")
        for args in (["check", "--probe", INTERNET["ipv4"]], ["check", "--probe", INTERNET["ipv4"], "--json"]):
            with Fake(config=NEWER) as fake:
                tap.equal(raw(fake.run(*args)), [], f"a hostile name: {len(args)} words: nothing raw")
        HOME.ip("addr add 192.168.7.7/24 dev eth0\n")
        skips(look(), "a private address", "reverse-dns", "192.168.7.7 is private")
        HOME.ip("addr del 192.168.7.7/24 dev eth0\n")


@case.case
def probe_meets():
    with server(587, b"220 \n"), Fake(config=newer(v6="", ports="587"), stats={"answered": 0}) as fake:
        found = [each for each in checks(fake.run("check", "--probe", "--json"))
                 if each["id"] == "not-answered" and each["text"].startswith("IPv4")]
        tap.ok(found and "does answer this host itself" in found[0]["text"], "clients get no answer, the probe does: says what that means")
    with server(587, b"220 \x1b[2J\x07\xc2\x9b31m\xff" + b"x" * 500 + b"\r\n"), \
            Fake(config=newer(v6="", ports="587")) as fake:
        for args in (["check", "--probe"], ["check", "--probe", "--json"]):
            tap.equal(raw(fake.run(*args)), [], f"{' '.join(args)}: nothing raw of a hostile banner")
        tap.ok("220 \\x1b[2J" in fake.run("check", "--probe").out, "a hostile banner is escaped")


def raw(result):
    return [c for c in result.out + result.err
            if ord(c) < 32 and c != "\n" or 0x7f <= ord(c) < 0xa0 or 0xdc80 <= ord(c) < 0xe000]


@case.case
def unprivileged_and_hostile():
    module.load(**settings())
    result = ctl.run("check", "--json", before=ctl.NOBODY)
    skips(result, "not root", "firewall", "needs root")
    skips(result, "not root", "shortcuts", "needs root")
    for check in ("interfaces", "route", "forwarding", "listeners", "mtu", "module", "kernels"):
        passes(result, "not root", check)
    evil = b"\x1b[2J\x07$(reboot);\xc2\x9b31m\xff"
    with Fake() as fake:
        fake.write("parameters/config", b"wan=" + evil + b" v4=" + evil + b" v6=2001:db8:3::10 via=" + evil + b" allow=" + evil +
                   b" mss=99999999999999999999 guard=full ports=25,x-y,99999999999")
        fake.write("version", evil)
        fake.write("last_error", evil)
        for args in (["check"], ["check", "--json"], ["check", "--probe"]):
            result = fake.run(*args)
            tap.equal((result.status, raw(result)), (1, []), f"hostile text: {' '.join(args)} prints nothing raw")
        commands = [command for each in checks(fake.run("check", "--json")) for command in each["fix"] if "reboot);" in command]
        tap.ok(commands and all("'" in command.partition("$(")[0] for command in commands), "hostile text: quoted in commands")
    with Older() as older:
        result = older.run("check", "--json")
        for check in ("last-change", "via", "guard", "counters"):
            skips(result, "older module", check)
        finds(result, "older module", "versions-differ", "warn")


case.run(setup, known_relays=EVERY_RELAY)
