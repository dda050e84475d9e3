#!/usr/bin/python3
"""chatdnatctl elsewhere: on musl in place of glibc, and on other processors, emulated; it prints the same on each."""

import json
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

TOOL = host.ROOT / "build" / "tools" / "chatdnatctl"

# Debian's architecture, the compiler's name of it, and the emulator: big-endian, 32 bits with 64-bit numbers aligned to 8 bytes,
# 32 bits with another numbering of errors, signals and options.
PROCESSORS = (
    ("s390x", "s390x-linux-gnu", "qemu-s390x-static"),
    ("armhf", "arm-linux-gnueabihf", "qemu-arm-static"),
    ("mipsel", "mipsel-linux-gnu", "qemu-mipsel-static"),
)

FILES = {
    "version": host.VERSION,
    "last_error": "ports: '70000': expected a port from 1 to 65535",
    "parameters/config": "wan=eth0,ppp+ v4=10.9.0.2,10.9.0.3@192.0.2.1 v6=fd00:9::2 ports=25,993,40000-50000,3478/udp scope=local "
                         "masquerade=wan stale=flush enabled=1",
} | {f"stats/{family}/{name}": str(value) for family in ("ipv4", "ipv6") for value, name in
     enumerate(("seen", "translated", "sent", "answered", "outbound", "masqueraded"), 2 ** 32)}
NETWORK = """
ip link set lo up
ip link add eth0 type veth peer name eth1
ip link set eth0 up
ip link set eth1 up
ip addr add 192.0.2.1/24 dev eth0
ip -6 addr add 2001:db8::1/64 dev eth0 nodad
ip route add default via 192.0.2.9
ip route add 10.9.0.0/24 via 192.0.2.77
ip -6 route add default via 2001:db8::9
mount --bind "$0" /sys/module
exec "$@"
"""


def same(top, what, *other):
    """Among a module's files and in a network, this host's tool and another print the same."""
    module = top / "module"
    for name, text in FILES.items():
        path = module / "chatdnat" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="ascii")
    isolated = ("unshare", "-rmn", "sh", "-ec", NETWORK, module)
    if host.run(*isolated, "true").status:
        tap.skip(f"{what}: prints the same", "no namespaces here")
        return

    def both(name, compared, *args):
        here, there = (host.run(*isolated, *tool, *args) for tool in ((TOOL,), other))
        if tap.equal((here.status, there.status), (0, 0), f"{what}: {name}: works there and here"):
            tap.equal(compared(there.text), compared(here.text), f"{what}: {name}: prints the same")
        else:
            tap.diag(here.text + there.text)

    # The emulator has no conntrack: what is counted there is unknown.
    def text(out):
        return [line for line in out.splitlines() if not line.startswith("connections ")]

    def data(out):
        return json.loads(re.sub(r'("connections"|"ipv[46]"): (null|\d+)', r"\1: null", out))

    both("chatdnatctl", text)
    both("chatdnatctl --json", data, "--json")
    both("chatdnatctl show --json", data, "show", "--json")
    both("chatdnatctl show ports", text, "show", "ports")


def musl(top):
    """Compiles, needs nothing of the C library that musl does not have, and runs."""
    include = top / "include"
    include.mkdir()
    multiarch = host.run("gcc", "-print-multiarch").text.strip()
    for name in ("linux", "asm-generic", "libmnl", "json-c", f"{multiarch}/asm"):
        (include / pathlib.Path(name).name).symlink_to(f"/usr/include/{name}")
    libraries = " ".join(host.run("gcc", f"-print-file-name=lib{name}.so").text.strip() for name in ("mnl", "json-c"))
    # The two libraries are glibc's: what they themselves lack does not count.
    done = host.works("compiles and links with musl", "make", "-C", "tools", f"OUT={top}/musl", "WERROR=1", "CC=musl-gcc",
                      "PKG_CONFIG=true", f"CPPFLAGS=-I{include} -I{include}/json-c", f"LDLIBS={libraries}",
                      "LDFLAGS=-Wl,--allow-shlib-undefined")
    tap.equal([line for line in done.text.splitlines() if "warning:" in line and "libc.so.6" not in line], [],
              "without a warning")
    # musl's dynamic linker takes glibc's name for its own.
    for name in ("mnl", "json-c"):
        found = pathlib.Path(host.run("gcc", f"-print-file-name=lib{name}.so").text.strip()).resolve()
        soname = re.search(r"SONAME.*\[(.+)\]", host.run("readelf", "-d", found).text)[1]
        (top / "musl" / soname).write_bytes(found.read_bytes())
    host.works("so do the functions of glibc's that Debian's libraries call", "musl-gcc", "-D_GNU_SOURCE", "-O2", "-Wall",
               "-Wextra", "-Werror", "-shared", "-fPIC", "-o", top / "musl" / "ld-linux-x86-64.so.2",
               host.ROOT / "tests" / "build" / "fortify.c")
    same(top, "musl", "env", f"LD_LIBRARY_PATH={top}/musl", top / "musl" / "chatdnatctl")


def processor(top, arch, gnu, emulator):
    done = host.run("tests/vm/sysroot", arch)
    if done.status:
        tap.diag(done.text)
        tap.skip(f"on {arch}", "apt's sources do not have it")
        return
    sysroot = done.text.splitlines()[-1]
    where = f"{sysroot}/usr/lib/{gnu}/pkgconfig"
    done = host.works(f"compiles and links for {arch}", "make", "-C", "tools", f"OUT={top}/{arch}", "WERROR=1",
                      f"CC={gnu}-gcc --sysroot={sysroot}",
                      PKG_CONFIG_LIBDIR=where, PKG_CONFIG_SYSROOT_DIR=sysroot)
    if done.status:
        return
    same(top, arch, emulator, "-L", sysroot, f"{top}/{arch}/chatdnatctl")


def main():
    with host.temporary() as top:
        musl(pathlib.Path(top))
        for what in PROCESSORS:
            processor(pathlib.Path(top), *what)
    tap.done()


main()
