#!/usr/bin/python3
"""Kernels with less in them: what the module cannot do without is named, and IPv6 and more it can do without."""

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
# What it can do without.
SPARED = {
    "IPv6": r"\w*IPV6\w*|IP6_\w+",
    "hooks on devices": "NETFILTER_INGRESS|NETFILTER_EGRESS",
    "IPsec, and what finds sockets": r"XFRM\w*|INET_ESP|NF_SOCKET_\w+|NF_TPROXY_\w+",
}
SPARED["all that"] = "|".join(SPARED.values())
SPARED["marks, zones, events, VRF and namespaces"] = (
    r"NF_CONNTRACK_(MARK|ZONES|EVENTS|LABELS|SECMARK)|NETWORK_SECMARK|NET_L3_MASTER_DEV|NET_NS")
# Part of every kernel with networking.
ALWAYS = {"__ipv6_addr_type", "in6_pton", "csum_ipv6_magic"}


def refuses(release, top):
    for option, words in NEEDED.items():
        name = f"{release} without {option}"
        kernel = host.headers(f"/lib/modules/{release}/build", top / f"{release}-{option}", option)
        tree = host.checkout(top / f"tree-{release}-{option}", "Kbuild", "VERSION", "module")
        done = host.refuses(f"{name}: does not build", "make", "-C", kernel, f"M={tree}", "modules")
        errors = re.findall(r"error: (.*)", done.text)
        if not tap.ok(errors and f"chatdnat needs a kernel with {words}: CONFIG_{option}" in errors[0],
                      f"{name}: the first error names what is missing"):
            tap.diag(done.text)


def builds(release, top):
    for number, (name, options) in enumerate(SPARED.items()):
        tree = top / f"tree-{release}-{number}"
        kernel = host.headers(f"/lib/modules/{release}/build", top / f"{release}-{number}", options)
        if not host.module(f"{release} without {name}", kernel, tree):
            continue
        needed = host.undefined(tree)
        tap.ok("nf_nat_setup_info" in needed, f"{release} without {name}: it needs the kernel's NAT")
        if "IPV6" in options:
            tap.equal({symbol for symbol in needed if re.search(r"ip6|ipv6|in6|inet6", symbol)} - ALWAYS, set(),
                      f"{release} without {name}: but nothing that comes with IPv6")


def main():
    with host.temporary() as top:
        for release in host.releases()[-1:]:
            refuses(release, pathlib.Path(top))
            builds(release, pathlib.Path(top))
    tap.done()


main()
