#!/usr/bin/python3
"""The external tree for Buildroot: its makefile with stand-ins for Buildroot's, its options and those of the kernel by Kconfig."""

import hashlib
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

TREE = host.ROOT / "packaging" / "buildroot"
PACKAGE = TREE / "package" / "chatdnat"
STANDINS = host.ROOT / "tests" / "build" / "buildroot"
TOOL = "BR2_PACKAGE_CHATDNAT_CHATDNATCTL"


def make(name, *words):
    return host.works(name, "make", "-s", "-C", STANDINS, f"BR2_EXTERNAL_CHATDNAT_PATH={TREE}", *words)


def description():
    fields = dict(re.findall(r"^(\w+): +(.*)$", (TREE / "external.desc").read_text(encoding="ascii"), re.M))
    tap.equal(fields.get("name"), "CHATDNAT", "external.desc: the name that the other files use")
    tap.ok(0 < len(fields.get("desc", "")) <= 40, "external.desc: a description")


def variables():
    done = make("external.mk is read", f"{TOOL}=y")
    tap.equal(re.findall(r"^infrastructure (.*)$", done.text, re.M), ["chatdnat kernel-module", "chatdnat generic-package"],
              "a kernel module, and a package around it")
    found = dict(re.findall(r"^variable (\w+)=(.*)$", done.text, re.M))
    tap.equal(pathlib.Path(found.pop("SITE")).resolve(), host.ROOT, "its source is this one")
    tap.equal(found, {"VERSION": host.VERSION, "SITE_METHOD": "local", "LICENSE": "GPL-2.0", "LICENSE_FILES": "LICENSE",
                      "DEPENDENCIES": "host-pkgconf json-c libmnl", "OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS": "--exclude /build"},
              "the other variables")
    tap.ok("variable DEPENDENCIES=\n" in make("without the tool", f"{TOOL}=").text, "it depends on no library")
    # Of a local source nothing is fetched; make legal-info compares the licence.
    hashes = re.findall(r"^(\w+)  (\S+)  (\S+)$", (PACKAGE / "chatdnat.hash").read_text(encoding="ascii"), re.M)
    licence = hashlib.sha256((host.ROOT / "LICENSE").read_bytes()).hexdigest()
    tap.equal(hashes, [("sha256", licence, "LICENSE")], "the licence's hash")


def commands(top):
    tree, root = host.checkout(top / "tree"), top / "root"
    words = (f"TREE={tree}", f"TARGET_DIR={root}", f"{tree}/installed")
    make("builds and installs nothing without the tool", f"{TOOL}=", *words)
    tap.ok(not root.exists() and not (tree / "build").exists(), "nothing is there")
    make("builds and installs the tool", f"{TOOL}=y", *words)
    tap.equal(host.files(root), {"usr/sbin/chatdnatctl"}, "what is installed")
    packages.runs(root / "usr/sbin/chatdnatctl", "installed")


class Kconfig:
    """A configuration of what is in a file, made by the kernel's own conf."""

    def __init__(self, conf, source, path, **env):
        self.conf, self.source, self.path, self.env = conf, source, path, env

    def make(self, how, *lines):
        if lines:
            self.path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        host.works(f"{self.path.name}: {how}", self.conf, f"--{how}", self.source, cwd=self.path.parent,
                   KCONFIG_CONFIG=str(self.path), CC="gcc", LD="ld", **self.env)
        return self

    def switched_on(self):
        return set(re.findall(r"^(?:CONFIG_)?(\w+)=[my]$", self.path.read_text(encoding="ascii"), re.M))


def options(top, conf):
    """What is on, if that is asked for."""
    source = top / "Config.in"
    # Buildroot's conf takes a variable without brackets, the kernel's takes none such.
    sources = (TREE / "Config.in").read_text(encoding="ascii").replace("$BR2_EXTERNAL_CHATDNAT_PATH", str(TREE))
    source.write_text((STANDINS / "Config.in").read_text(encoding="ascii") + sources, encoding="ascii")
    everything = {"BR2_LINUX_KERNEL", "BR2_TOOLCHAIN_HAS_SYNC_4", "BR2_PACKAGE_CHATDNAT"}
    libraries = {"BR2_PACKAGE_JSON_C", "BR2_PACKAGE_LIBMNL"}
    for what, asked, on in (
            ("all", everything, everything | libraries | {TOOL}),
            ("without a kernel", everything - {"BR2_LINUX_KERNEL"}, {"BR2_TOOLCHAIN_HAS_SYNC_4"}),
            ("a toolchain without json-c", everything - {"BR2_TOOLCHAIN_HAS_SYNC_4"}, {"BR2_LINUX_KERNEL", "BR2_PACKAGE_CHATDNAT"})):
        config = Kconfig(conf, source, top / "buildroot-config", CONFIG_="")
        config.make("olddefconfig", *(f"{name}=y" for name in asked))
        tap.equal(config.switched_on(), on, f"options: {what}")


def fixups(top, kernel):
    """A kernel without anything gets all that the module refuses to be compiled without."""
    demanded = {name for path in (host.ROOT / "module").rglob("*.h") for line in path.read_text(encoding="utf-8").splitlines()
                if line.startswith("#error") for name in re.findall(r"CONFIG_(\w+)", line)}
    tap.ok({"NF_NAT", "NF_REJECT_IPV6"} <= demanded, "the module says what it demands of a kernel")
    demanded |= {"NETFILTER_INGRESS"}
    for family, without in (("with IPv6", set()), ("without IPv6", {"NF_REJECT_IPV6"})):
        config = Kconfig(kernel / "scripts/kconfig/conf", STANDINS / "Kconfig.kernel", top / "kernel-config", srctree=str(kernel))
        config.make("allnoconfig")
        tap.ok(not demanded & config.switched_on() - {"SYSFS"}, f"{family}: the kernel has none of it")
        make(f"{family}: CHATDNAT_LINUX_CONFIG_FIXUPS", f"{TOOL}=y", f"CONFIG={config.path}", "fixups")
        with config.path.open("a", encoding="ascii") as file:
            file.write("# CONFIG_IPV6 is not set\n" if without else "CONFIG_IPV6=y\n")
        config.make("olddefconfig")
        tap.equal(demanded - config.switched_on(), without, f"{family}: afterwards it has all that the module needs")


def main():
    kernel = pathlib.Path(host.run("tests/vm/kernel", timeout=3600).text.splitlines()[-1]) / "build"
    with host.temporary() as top:
        top = pathlib.Path(top)
        description()
        variables()
        commands(top)
        options(top, kernel / "scripts/kconfig/conf")
        fixups(top, kernel)
    tap.done()


main()
