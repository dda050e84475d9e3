#!/usr/bin/python3
"""Kernels of other kinds: PREEMPT_RT, and processors with 32 bits, with another order of bytes, with weaker order of memory."""

import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

# Debian's architecture, the package of the kernel's headers, and what readelf calls the result.
KERNELS = (
    ("amd64", "linux-headers-6.12-rt-amd64", "ELF64", "little endian"),
    ("i386", "linux-headers-686", "ELF32", "little endian"),
    ("arm64", "linux-headers-6.12-arm64", "ELF64", "little endian"),
    ("armhf", "linux-headers-armmp", "ELF32", "little endian"),
    ("mipsel", "linux-headers-4kc-malta", "ELF32", "little endian"),
    ("s390x", "linux-headers-s390x", "ELF64", "big endian"),
)


def main():
    with host.temporary() as top:
        for arch, package, *kind in KERNELS:
            done = host.run("tests/vm/headers", arch, package)
            if "apt knows no package" in done.text:
                tap.skip(f"{package}: builds", "apt's sources do not have it")
                continue
            if not tap.equal(done.status, 0, f"{package}: the headers are here"):
                tap.diag(done.text)
                continue
            kernel = pathlib.Path(done.text.splitlines()[-1])
            release = kernel.name.removeprefix("linux-headers-")
            tree, done = host.already(release)
            if tree:
                tap.equal(done.warnings(), [], f"{package}: is built, without a warning")
            else:
                tree = pathlib.Path(top) / package
            if done or host.module(package, kernel, tree):
                header = host.run("readelf", "-h", tree / "chatdnat.ko").text
                tap.ok(all(word in header for word in kind), f"{package}: {', '.join(kind)}")
                tap.equal(host.modinfo("vermagic", tree / "chatdnat.ko").split()[:1], [release], f"{package}: for that kernel")
    tap.done()


main()
