#!/usr/bin/python3
"""Kernel updates on a whole Debian 13: one for which the module builds, and one for which it does not. The order of a boot,
and the units of the guides."""

import json
import os
import pathlib
import re
import shlex
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import guides
import upgrade
from debian import Connection, Machine, Root, host, tap

UNITS = ("chatdnat", "chatdnat-closed", "systemd-networkd", "nftables", "wg-quick@wg9", "agent", "relay")
# Of no use to the tests: each program that starts takes its time in the machine.
IDLE = ("apt-daily.timer", "apt-daily-upgrade.timer", "dkms.service", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
        "getty.target", "systemd-tmpfiles-clean.timer", "dev-hugepages.mount", "dev-mqueue.mount", "modprobe@configfs.service",
        "modprobe@drm.service", "modprobe@efi_pstore.service", "modprobe@fuse.service", "proc-sys-fs-binfmt_misc.automount",
        "sys-fs-fuse-connections.mount", "sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
        "systemd-logind.service", "systemd-random-seed.service", "systemd-udev-load-credentials.service", "systemd-user-sessions.service")
KERNEL = ("linux-image-cloud-amd64", "linux-headers-cloud-amd64")
# What the build of a later kernel may run into.
BROKEN = "ifeq ($(filter FIRST,$(KERNELRELEASE)),)\n$(error a header is gone)\nendif\n"


def keys(root):
    def key(*command):
        return root.run(*command).text.strip()
    for name in ("proxy", "relay"):
        (root / f"etc/wireguard/{name}").write_text(key("wg", "genkey"), encoding="ascii")
    private = {name: (root / f"etc/wireguard/{name}").read_text(encoding="ascii") for name in ("proxy", "relay")}
    public = {name: key("sh", "-c", f"wg pubkey </etc/wireguard/{name}") for name in private}
    for path in (root / "etc/wireguard/wg9.conf", root / "usr/local/sbin/relay"):
        text = path.read_text(encoding="ascii")
        for name in private:
            text = text.replace(f"{name.upper()}_PRIVATE", private[name]).replace(f"{name.upper()}_PUBLIC", public[name])
        path.write_text(text, encoding="ascii")


def install(root):
    """From the packages of this checkout. Returns the module's."""
    kernel, = root.kernels()
    debs = sorted(host.debs().glob("*.deb"))
    host.works("the packages are there", "cp", *debs, root / "root")
    root.works("apt installs them", "apt-get", "install", "-q", "-y", "--no-install-recommends", *(f"/root/{deb.name}" for deb in debs))
    tap.equal(root.module(kernel), host.VERSION, "the first kernel has the module")
    root.works("units are enabled", "systemctl", "enable", "-q", *UNITS)
    root.works("and others masked", "systemctl", "mask", "-q", *IDLE)
    root.works("apt knows the new kernel", "apt-get", "update", "-q")
    return debs[0]


def update(root, name):
    old, = root.kernels()
    done = root.works(f"{name}: apt installs the new kernel", "apt-get", "install", "-q", "-y", "--no-install-recommends",
                      *KERNEL)
    tap.equal(root.run("dpkg", "--audit").text, "", f"{name}: all packages are configured")
    tap.equal(root.module(old), host.VERSION, f"{name}: the old kernel keeps its module")
    kernels = root.kernels()
    tap.equal((len(kernels), kernels[0]), (2, old), f"{name}: a newer kernel boots next")
    return done.text, kernels[-1]


def builds(root, deb):
    """The update that succeeds: all is there after the boot."""
    old, = root.kernels()
    _, new = update(root, "a kernel for which it builds")
    tap.equal(root.module(new), host.VERSION, "the new kernel has the module")
    tap.ok(re.search(f"{re.escape(new)}.*: installed", root.run("dkms", "status", "chatdnat").text), "dkms status says so")
    upgrade.prepare(root, deb, old, new)
    guides.prepare(root)
    with Machine(root, root.image(root.dir.with_suffix(".img")), new) as machine:
        machine.gives("uname -r", f"^{re.escape(new)}$", "the new kernel runs")
        machine.gives("systemctl is-system-running --wait", "^running$", "no unit has failed")
        boot_order(machine)
        mail(machine)
        guides.relay(machine)
        guides.setup(machine)
        guides.without_tunnels(machine)
        machine.gives("chatdnatctl check", r"^ok +boot +chatdnat.service", "check: the unit loads the module")
        upgrade.upgrade(machine)


def boot_order(machine):
    machine.gives("cat /sys/module/chatdnat/parameters/guard", "^full$", "the module has its saved configuration")
    order = [machine.stamp("chatdnat.service"), machine.stamp("network-pre.target"), machine.networkd(), machine.stamp("wg-quick@wg9.service")]
    tap.ok(all(order) and order == sorted(order), "the order of the boot: module, network-pre.target, networkd, tunnel")
    tap.diag(order)
    machine.gives("ip -4 -o address show wan0", r"inet 10\.0\.2\.15/24 .*dynamic", "the WAN interface has its address by DHCP")
    machine.gives("journalctl -b -o cat -u chatdnat-closed", "Finished chatdnat-closed.*\n(.*\n)*Stopped chatdnat-closed",
                  "the host was closed until then")
    machine.gives("nft list tables", r"\A(?!.*chatdnat_closed)", "and is no longer")


def mail(machine):
    """Forwarded to the relay, and open connections live."""
    stream = Connection(machine.port)
    tap.ok(stream.echoes(), "mail reaches the relay")
    machine.gives("systemctl restart nftables", "", "nftables is restarted", 0)
    tap.ok(stream.echoes(), "the connection lives on")
    machine.gives("networkctl reconfigure wan0 && networkctl --timeout=120 -q status wan0 >/dev/null; "
                  "/usr/lib/systemd/systemd-networkd-wait-online -i wan0", "", "networkd configures the WAN interface again", 0)
    tap.ok(stream.echoes(), "the connection lives on")
    for up in (False, True):
        machine.link(up)
        state = "routable" if up else "no-carrier"
        machine.gives(f"until [ \"$(networkctl --json=short status wan0 | grep -o '\"OperationalState\":\"[a-z-]*')\" = "
                      f"'\"OperationalState\":\"{state}' ]; do sleep 0.5; done", "", f"the cable is {'plugged in' if up else 'pulled out'}: {state}", 0)
    tap.ok(stream.echoes(), "the connection lives on")
    tap.ok(Connection(machine.port).echoes(), "and so does a new one")
    machine.gives("systemctl restart chatdnat && systemctl stop chatdnat && test -d /sys/module/chatdnat", "",
                  "restarting and stopping the unit leave the module loaded", 0)
    tap.ok(stream.echoes(), "the connection lives on")


def breaks(root):
    """The update that fails: apt finishes, and tells."""
    source, = (root / "usr/src").glob("chatdnat-*/Kbuild")
    healthy = source.read_text(encoding="ascii")
    source.write_text(BROKEN.replace("FIRST", *root.kernels()) + healthy, encoding="ascii")
    text, new = update(root, "a kernel for which it does not build")
    dkms = source.parent.name.replace("-", "/", 1)
    log = f"/var/lib/dkms/{dkms}/build/make.log"
    tap.ok("could not build the module" in text and new in text and log in text, "apt's output says so")
    tap.equal(root.module(new), "modinfo: ERROR: Module chatdnat not found.", "there is no module")
    tap.ok(f"{new}," not in root.run("dkms", "status", "chatdnat").text, "dkms status does not have that kernel")
    root.works("the next run of apt works", "apt-get", "install", "-f", "-q", "-y")
    checks = json.loads(root.run("chatdnatctl", "check", "--json").text)["checks"]
    found, = (each for each in checks if each["id"] == "not-built")
    tap.equal(found["result"], "fail", "chatdnatctl check fails")
    tap.ok(new in found["text"] and log in found["text"], "it names the kernel and the log")
    tap.ok("a header is gone" in (root / log[1:]).read_text(encoding="utf-8"), "the log has the error")
    (root / "etc/chatdnat/closed.d/mine.nft").write_text("tcp dport 2222 acept\n", encoding="ascii")
    with Machine(root, root.image(root.dir.with_suffix(".img")), new) as machine:
        without_module(machine, new)
    return mended(root, new, source, healthy, found["fix"])


def without_hook(root):
    """With DKMS's own hook alone apt fails, until DKMS is told to leave this kernel alone."""
    for hook in (root / "etc/kernel").glob("*/chatdnat"):
        hook.unlink()
    source, = (root / "usr/src").glob("chatdnat-*/Kbuild")
    old, = root.kernels()
    source.write_text(BROKEN.replace("FIRST", old) + source.read_text(encoding="ascii"), encoding="ascii")
    tap.ok(root.run("apt-get", "install", "-q", "-y", "--no-install-recommends", *KERNEL).status, "without the hook apt fails")
    tap.ok(root.run("apt-get", "install", "-f", "-q", "-y").status, "and fails again")
    new, = {path.name for path in (root / "lib/modules").iterdir()} - {old}
    root.works("the remedy", "sh", "-c", f"echo AUTOINSTALL= >/etc/dkms/{source.parent.name}-{new}.conf")
    root.works("after it apt works", "apt-get", "install", "-f", "-q", "-y")
    tap.equal(root.run("dpkg", "--audit").text, "", "and all packages are configured")
    tap.equal(root.module(old), host.VERSION, "the old kernel has its module all the time")


def without_module(machine, kernel):
    """The operator did not look. The host says what is wrong, and is closed."""
    machine.gives("systemctl is-system-running --wait", "^degraded$", "after the reboot the system is degraded")
    machine.gives("systemctl --failed --plain --no-legend", r"\Achatdnat\.service .*\n?\Z", "chatdnat.service has failed, and nothing else")
    machine.gives("journalctl -b -o cat -u chatdnat", f"Module chatdnat not found in directory /lib/modules/{re.escape(kernel)}",
                  "its log has the reason")
    machine.gives("chatdnatctl", f"none is installed for the running kernel {re.escape(kernel)}.*\n(.*\n)*.*keeps this host closed",
                  "status says so", 1)
    machine.gives("chatdnatctl check", r"^fail +boot +chatdnat.service has not loaded the module", "check says so", 1)
    machine.gives("ls /run/alarm", "", "what OnFailure= names has run", 0)
    machine.gives("sysctl -n net.ipv4.ip_forward && ip -br address show wg9", r"^1\nwg9 .*10\.8\.0\.1", "forwarding and tunnel are up")
    machine.gives("journalctl -b -o cat -p warning -u chatdnat-closed", r"^/etc/chatdnat/closed\.d/mine\.nft:1:.*Error",
                  "an error in the operator's own rules is a warning")
    client = "ip netns exec relay socat -u OPEN:/dev/null TCP:{},connect-timeout={}"
    machine.gives(client.format("192.0.2.1:22", 600), "refused", "SSH gets in: nobody listens")
    machine.gives("socat TCP-LISTEN:993,fork,reuseaddr EXEC:cat >/dev/null 2>&1 & socat TCP-LISTEN:7,fork,reuseaddr EXEC:cat >/dev/null 2>&1 & "
                  "until [ $(ss -Hlnt 'sport = 993 or sport = 7' | wc -l) = 2 ]; do sleep 0.2; done", "", "there are servers on the host", 0)
    machine.gives(client.format("192.0.2.1:7", 3), "timed out", "nothing else gets in")
    for how in ("restart", "reload"):
        machine.gives(f"systemctl {how} nftables; while systemctl list-jobs --no-legend | grep -q .; do sleep 0.5; done; "
                      "nft list table inet chatdnat_closed", "policy drop", f"a {how} of nftables, which flushes all rules, brings these back")
    machine.gives(client.format("10.0.2.2:9", 3), "timed out", "nothing is forwarded")
    machine.gives("systemctl stop chatdnat-closed", "", "the operator opens the host", 0)
    machine.gives(client.format("192.0.2.1:7", 600), r"\A\Z", "then all get in", 0)
    tap.ok(Connection(machine.port).echoes(), "by the WAN interface as well")


def mended(root, new, source, healthy, fixes):
    """What check proposes, run. Returns the root that has the first kernel alone, as the second proposal leaves it."""
    tap.equal(len(fixes), 2, "check proposes two ways")
    old, other = root.kernels()[0], root.copy(root.dir.with_name("removed"))
    other.works(fixes[1], *shlex.split(fixes[1].partition("    #")[0]), "-y")
    tap.equal((other.kernels(), other.module(old)), ([old], host.VERSION), "the kernel that has the module boots next")
    tap.equal(sorted((other / "etc/dkms").glob("chatdnat*")), [], "nothing is left of the attempt")
    done = other.run("chatdnatctl", "check", "--json")
    tap.ok('"not-built"' not in done.text, "check is content")
    # A version that builds has been installed, and soon: of this one nothing more is asked.
    host.stand_in(source.parent, host.VERSION)
    root.works(fixes[0], *fixes[0].split())
    tap.equal((root.module(old), root.module(new)), (host.VERSION, host.VERSION), "both kernels have the module")
    (other / source.relative_to(root.dir)).write_text(healthy, encoding="ascii")
    return other


def timed(part, *args):
    begin = time.monotonic()
    result = part(*args)
    tap.diag(f"{part.__name__}: {time.monotonic() - begin:.1f} s")
    return result


def main():
    if os.geteuid():
        tap.skip("a Debian 13", "needs root")
        tap.done()
    with host.temporary() as top:
        top = pathlib.Path(top)
        root = timed(Root.new, top / "root")
        keys(root)
        deb = timed(install, root)
        other = timed(breaks, root.copy(top / "breaks"))
        timed(builds, other, deb)
        timed(without_hook, root)
    tap.done()


main()
