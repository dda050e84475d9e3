#!/usr/bin/python3
"""OpenWrt's package: its makefile with stand-ins for OpenWrt's, its service with the real module in a guest (openwrt/)."""

import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
import packages
from host import tap

PACKAGE = host.ROOT / "packaging" / "openwrt" / "chatdnat"
STANDINS = host.ROOT / "tests" / "build" / "openwrt"
# OpenWrt's package for each module that chatdnat.ko needs, and for each library of the tool.
KMODS = {"nf_conntrack": "+kmod-nf-conntrack", "nf_nat": "+kmod-nf-nat", "nf_reject_ipv4": "+kmod-nf-reject",
         "nf_reject_ipv6": "+IPV6:kmod-nf-reject6"}
LIBRARIES = {"libc.so.6": None, "libmnl.so.0": "+libmnl", "libjson-c.so.5": "+libjson-c"}
# What the kernel has only for others: masquerading has no switch of its own, and the tool asks by netlink.
BESIDES = {"+kmod-nft-nat"}, {"+kmod-chatdnat", "+kmod-nf-conntrack-netlink", "+kmod-inet-diag"}
SOURCE = {"PKG_NAME": "chatdnat", "PKG_VERSION": host.VERSION, "PKG_SOURCE": f"chatdnat-{host.VERSION}.tar.xz",
          "PKG_HASH": "skip", "PKG_LICENSE": "GPL-2.0-only", "PKG_LICENSE_FILES": "LICENSE", "PKG_FLAGS": "nonshared"}
FILES = {"usr/sbin/chatdnatctl": 0o755, "etc/init.d/chatdnat": 0o755, "etc/config/chatdnat": 0o600}


def make(top, release):
    """Compiles and installs as the makefile says; what it told the stand-ins, by package and field, where that is, and where the module."""
    tree = top / "tree"
    host.run("tar", "-C", top, "-xf", packages.tarball(tree))
    place = top / f"chatdnat-{host.VERSION}"
    # What the module needs, the one says that is built already: empty files are enough for the makefile.
    built, _ = host.already(release)
    if built:
        host.hollow(place)
    done = host.works("compiles and installs", "make", "-C", PACKAGE, "-s", "install", f"TOPDIR={STANDINS}",
                      f"INCLUDE_DIR={STANDINS}", f"LINUX_DIR=/lib/modules/{release}/build", f"PKG_BUILD_DIR={place}", f"DEST={top}/root")
    return dict(re.findall(r"^(\S+ [A-Za-z_]+)=(.*)$", done.text, re.M)), place, built or place


def variables(fields, place):
    tap.equal({name: fields.get(f"source {name}") for name in SOURCE}, SOURCE, "the source's variables")
    url = fields["source PKG_SOURCE_URL"]
    tap.ok(url.startswith("file://") and pathlib.Path(url[7:]).resolve() == host.ROOT / "build", "the tarball: that of make dist")
    tap.ok(re.fullmatch(r"[^<]+ <\S+@\S+>", fields["source PKG_MAINTAINER"]), "a maintainer")
    tap.ok(re.fullmatch(r"[1-9]\d*", fields["source PKG_RELEASE"]), "a release")
    for name in ("kmod-chatdnat", "chatdnatctl"):
        title = fields[f"{name} TITLE"]
        tap.ok(title and len(title) <= 60, f"{name}: a title")
    tap.equal(fields["kmod-chatdnat FILES"], f"{place}/chatdnat.ko", "kmod-chatdnat: the module")
    tap.equal(fields["kmod-chatdnat AUTOLOAD"], "probe:chatdnat", "kmod-chatdnat: is loaded at boot")
    tap.ok("CONFIG_NETFILTER_INGRESS=y" in fields["kmod-chatdnat KCONFIG"], "kmod-chatdnat: the fast path's hook")
    tap.equal(fields["chatdnatctl conffiles"], "/etc/config/chatdnat", "chatdnatctl: its configuration outlives an upgrade")


def dependencies(fields, place, module):
    """Each of what was built, and no other."""
    wanted = {KMODS.get(name, name) for name in host.modinfo("depends", module / "chatdnat.ko").split(",")} | BESIDES[0]
    tap.equal(set(fields["kmod-chatdnat DEPENDS"].split()), wanted, "kmod-chatdnat: a package for each module that it needs")
    tap.ok("nf_nat_masquerade_ipv4" in host.undefined(module), "kmod-chatdnat: masquerading is needed")
    tool = place / "build" / "tools" / "chatdnatctl"
    needed = re.findall(r"NEEDED.*\[(.+)\]", host.run("readelf", "-d", tool).text)
    wanted = {LIBRARIES.get(name, name) for name in needed} - {None} | BESIDES[1]
    tap.equal(set(fields["chatdnatctl DEPENDS"].split()), wanted, "chatdnatctl: a package for each library that it needs")


def contents(root):
    tap.equal({name: (root / name).stat().st_mode & 0o7777 for name in host.files(root)}, FILES, "chatdnatctl: what is installed")
    packages.runs(root / "usr/sbin/chatdnatctl", "chatdnatctl")


def style():
    """What OpenWrt's reviewers and its own checks ask of a makefile and a service."""
    text = (PACKAGE / "Makefile").read_text(encoding="ascii")
    metadata = re.findall(r"^define (?:Kernel)?Package/[a-z]+\n(.*?)^endef", text, re.M | re.S)
    tap.ok(len(metadata) == 2 and all(re.match(r"  \w+:=|\t\+", line) for block in metadata for line in block.splitlines()),
           "two blanks before what describes a package")
    recipes = re.findall(r"^define (?:Build/\w+|Package/[a-z]+/install)\n(.*?)^endef", text, re.M | re.S)
    tap.ok(len(recipes) == 2 and all(line.startswith("\t") for block in recipes for line in block.splitlines()),
           "a tab before what the shell runs")
    script = (PACKAGE / "files" / "chatdnat.init").read_text(encoding="ascii")
    tap.equal(script.splitlines()[0], "#!/bin/sh /etc/rc.common", "the service: for rc.common")
    tap.ok("\nUSE_PROCD=1\n" in script, "the service: procd's")
    start = re.search(r"^START=(\d+)$", script, re.M)
    # boot, which loads modules, is 10; firewall 19; network 20.
    tap.ok(start and 10 < int(start[1]) < 19, "the service: after the modules are loaded, before firewall and network start")


def service():
    done = host.works("the service, in a guest", "tests/vm/run", "--timeout", "300", "6.12", "tests/build/openwrt/guest.t")
    results = re.findall(r"^(not )?ok \d+ - (.*)$", done.text, re.M)
    for wrong, name in results:
        tap.ok(not wrong, f"the service: {name}")
    tap.equal(re.findall(r"^1\.\.(\d+)$", done.text, re.M), [str(len(results))], "the service: all of it was tried")


def main():
    with host.temporary() as top:
        top = pathlib.Path(top)
        fields, place, module = make(top, host.releases()[-1])
        variables(fields, place)
        dependencies(fields, place, module)
        contents(top / "root" / "chatdnatctl")
    style()
    service()
    tap.done()


main()
