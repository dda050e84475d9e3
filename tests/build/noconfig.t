#!/usr/bin/python3
"""Kernels with less in them: what the module cannot do without is named, and IPv6 it can do without."""

import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

NEEDED = {"NF_CONNTRACK": "connection tracking", "NF_NAT": "NAT", "NF_NAT_MASQUERADE": "masquerading",
          "NF_REJECT_IPV4": "packet rejection", "SYSFS": "sysfs"}
# Part of every kernel with networking.
ALWAYS = {"__ipv6_addr_type", "in6_pton", "csum_ipv6_magic"}


def headers(release, directory, without):
    """The headers of a kernel that was configured without the options that match."""
    real = pathlib.Path(f"/lib/modules/{release}/build").resolve()
    edited = {"include/generated/autoconf.h": rf"#define CONFIG_({without})(_MODULE)? ",
              "include/config/auto.conf": rf"CONFIG_({without})="}
    (directory / "include" / "config").mkdir(parents=True)
    (directory / "include" / "generated").mkdir()
    for name in ("", "include", "include/generated"):
        for path in (real / name).iterdir():
            if path.name not in ("include", "config", "generated", "autoconf.h"):
                (directory / name / path.name).symlink_to(path)
    for name, pattern in edited.items():
        lines = (real / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not re.match(pattern, line)]
        assert len(kept) < len(lines), (name, pattern)
        (directory / name).write_text("".join(kept), encoding="utf-8")
    return directory


def source(directory):
    return host.checkout(directory, "Kbuild", "VERSION", "module")


def build(headers_directory, tree):
    return host.run("make", "-C", headers_directory, f"M={tree}", "W=1", "modules")


def needs(release, top):
    for option, words in NEEDED.items():
        name = f"{release} without {option}"
        done = build(headers(release, top / f"{release}-{option}", option), source(top / f"tree-{release}-{option}"))
        tap.ok(done.status, f"{name}: does not build")
        errors = re.findall(r"error: (.*)", done.text)
        if not tap.ok(errors and f"chatdnat needs a kernel with {words}: CONFIG_{option}" in errors[0],
                      f"{name}: the first error names what is missing"):
            tap.diag(done.text)


def no_ipv6(release, top):
    name = f"{release} without IPv6"
    tree = source(top / f"tree-{release}-ipv6")
    done = build(headers(release, top / f"{release}-ipv6", r"\w*IPV6\w*|IP6_\w+"), tree)
    if not tap.equal(done.status, 0, f"{name}: builds"):
        tap.diag(done.text)
        return
    tap.equal(done.warnings(), [], f"{name}: without a warning")
    undefined = {line.split()[-1] for line in host.run("nm", "-u", tree / "chatdnat.ko").text.splitlines()}
    tap.ok("nf_nat_setup_info" in undefined, f"{name}: it needs the kernel's NAT")
    tap.equal({symbol for symbol in undefined if re.search(r"ip6|ipv6|in6|inet6", symbol)} - ALWAYS, set(),
              f"{name}: but nothing that comes with IPv6")


def main():
    with host.temporary() as top:
        for release in host.releases():
            needs(release, pathlib.Path(top))
            no_ipv6(release, pathlib.Path(top))
    tap.done()


main()
