#!/usr/bin/python3
"""Built by clang, for kernels that are configured for it."""

import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

# What Kconfig would answer otherwise: Debian's kernels are built by gcc.
GCC = (r"CC_IS_GCC|GCC\w+|CLANG_VERSION|CC_IMPLICIT_FALLTHROUGH|FTRACE_MCOUNT_USE_CC|(MITIGATION_)?(RETHUNK|SLS)|"
       r"CC_HAS_NAMED_AS\w*|USE_X86_SEG_SUPPORT")


def clang():
    major, minor, patch = re.search(r"version (\d+)\.(\d+)\.(\d+)", host.run("clang", "--version").text).groups()
    return {"CC_IS_CLANG": True, "CLANG_VERSION": f"{major}{minor:0>2}{patch:0>2}", "GCC_VERSION": 0,
            "CC_IMPLICIT_FALLTHROUGH": '"-Wimplicit-fallthrough"'} | (
        {"CC_HAS_AUTO_VAR_INIT_ZERO_ENABLER": True} if int(major) < 16 else {})


def main():
    with host.temporary() as top:
        for release in host.releases()[-1:]:
            top = pathlib.Path(top)
            kernel = host.headers(f"/lib/modules/{release}/build", top / release, GCC, **clang())
            tree = top / f"tree-{release}"
            if host.module(f"{release}, clang", kernel, tree, "LLVM=1", "CC=clang"):
                comment = host.run("readelf", "-p", ".comment", tree / "chatdnat.ko").text
                tap.ok("clang" in comment and "GCC" not in comment, f"{release}, clang: all of it")
    tap.done()


main()
