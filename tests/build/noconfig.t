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
# What it can do without. Each is missing in two of the builds, so that any two are missing together, and either without the other.
IPV6 = r"\w*IPV6\w*|IP6_\w+"
DEVICES = "NETFILTER_INGRESS|NETFILTER_EGRESS"
REST = (r"XFRM\w*|INET_ESP|NF_SOCKET_\w+|NF_TPROXY_\w+|NF_CONNTRACK_(MARK|ZONES|EVENTS|LABELS|SECMARK)|NETWORK_SECMARK"
        r"|NET_L3_MASTER_DEV|NET_NS|NF_FLOW_TABLE\w*")
SPARED = {
    "IPv6 and hooks on devices": (f"{IPV6}|{DEVICES}", {}),
    "IPv6, IPsec, what finds sockets, marks, zones, events, VRF and namespaces": (f"{IPV6}|{REST}", {}),
    # On older kernels IPv6 may be a module, and with it what needs it.
    "hooks on devices and the rest, IPv6 a module": (f"{DEVICES}|{REST}|IPV6|NF_REJECT_IPV6", {"IPV6": "m", "NF_REJECT_IPV6": "m"}),
}
# Part of every kernel with networking.
ALWAYS = {"__ipv6_addr_type", "in6_pton", "csum_ipv6_magic"}


def refuses(release, top):
    """The first error names what is missing, of all and of each. Files that are compiled before that one need none of it."""
    tree = host.checkout(top / f"tree-{release}", "Kbuild", "VERSION", "module")
    for number, (options, target) in enumerate((("|".join(NEEDED), "modules"), *((option, "module/net/proof.o") for option in NEEDED))):
        name = f"{release} without {options}"
        kernel = host.headers(f"/lib/modules/{release}/build", top / f"needed-{release}-{number}", options)
        done = host.refuses(f"{name}: does not build", "make", "-C", kernel, f"M={tree}", target)
        errors = re.findall(r"error: (.*)", done.text)
        option = options.split("|")[0]
        if not tap.ok(errors and f"chatdnat needs a kernel with {NEEDED[option]}: CONFIG_{option}" in errors[0],
                      f"{name}: the first error names what is missing"):
            tap.diag(done.text)


def builds(release, top):
    for number, (name, (options, instead)) in enumerate(SPARED.items()):
        tree = top / f"tree-{release}-{number}"
        kernel = host.headers(f"/lib/modules/{release}/build", top / f"{release}-{number}", options, **instead)
        # Such a kernel has it, and the kernel whose headers these are has not.
        more = top / f"symbols-{number}"
        more.write_text("0x00000000\t__icmpv6_send\tvmlinux\tEXPORT_SYMBOL\t\n" if instead else "", encoding="ascii")
        if not host.module(f"{release} without {name}", kernel, tree, f"KBUILD_EXTRA_SYMBOLS={more}"):
            continue
        needed = host.undefined(tree)
        tap.ok("nf_nat_setup_info" in needed, f"{release} without {name}: it needs the kernel's NAT")
        if instead:
            tap.ok("ipv6_stub" in needed, f"{release} without {name}: it asks IPv6 for routes")
        else:
            tap.equal({symbol for symbol in needed if re.search(r"ip6|ipv6|in6|inet6", symbol)} - ALWAYS, set(),
                      f"{release} without {name}: but nothing that comes with IPv6")


def main():
    with host.temporary() as top:
        for release in host.releases()[-1:]:
            refuses(release, pathlib.Path(top))
            builds(release, pathlib.Path(top))
    tap.done()


main()
