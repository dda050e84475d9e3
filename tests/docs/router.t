#!/usr/bin/python3
# vm: --timeout 600
"""docs/router.md, beside a firewall as OpenWrt's fw4 writes it"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import guide
from lib import case, net, tap, topo, traffic, wait
from lib.topo import CLIENT, HOME, INTERNET, PORTS, PROXY
from lib.traffic import Seen

RELAY, RELAY6, LAPTOP = "192.168.1.10", "2001:db8:4:1::10", "192.168.1.20"
# With the guide's two rules, and without the port forwards that would let everything pass whose destination was translated.
FW4 = f"""
table inet fw4 {{
	chain input {{
		type filter hook input priority filter; policy drop;
		iifname lo accept
		ct state established,related accept
		iifname br-lan accept
		icmp type echo-request accept
		icmpv6 type {{ destination-unreachable, packet-too-big, nd-neighbor-solicit, nd-neighbor-advert }} accept
	}}
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname br-lan accept
		iifname pppoe-wan oifname br-lan ip daddr {RELAY} tcp dport {{ 25, 80, 143, 443, 465, 587, 993 }} accept
		iifname pppoe-wan oifname br-lan ip6 daddr {RELAY6} tcp dport {{ 25, 80, 143, 443, 465, 587, 993 }} accept
	}}
	chain srcnat {{
		type nat hook postrouting priority srcnat; policy accept;
		meta nfproto ipv4 oifname pppoe-wan masquerade
	}}
}}
"""

t = relay = laptop = None


def setup():
    global t, relay, laptop
    t = topo.Topology(relays=())
    relay, laptop = net.create("mail", "laptop")
    HOME.ip("link del eth0\n"
            "link add br-lan type bridge\n"
            "addr add 192.168.1.1/24 dev br-lan\n"
            "addr add 2001:db8:4:1::1/64 dev br-lan nodad\n"
            "link set br-lan up\n")
    for ns, host in ((relay, 10), (laptop, 20)):
        ns.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0)
        HOME.ip(f"link add lan-{host} type veth peer name eth0 netns {ns.name}\n"
                f"link set lan-{host} up master br-lan\n")
        ns.ip("link set lo up\n"
              f"addr add 192.168.1.{host}/24 dev eth0\n"
              f"addr add 2001:db8:4:1::{host}/64 dev eth0 nodad\n"
              "link set eth0 up\n"
              "route add default via 192.168.1.1\n"
              "-6 route add default via 2001:db8:4:1::1\n")
    HOME.sysctl(ipv4__ip_forward=0, ipv6__conf__all__forwarding=0)
    HOME.nft(FW4)
    traffic.Host("relay", relay).tcp(*PORTS)
    traffic.Host("internet", t.internet).tcp(25)
    traffic.Host("luci", HOME).tcp(80)


def sees(ns, address, port, server, peer, what, source=None):
    tap.equal(traffic.tcp(ns, address, port, source), Seen(server, peer, port), what)


def serves(what, own):
    tap.ok(wait.until(lambda: traffic.tcp(t.internet, own, 993, CLIENT["ipv4"], timeout=1) ==
                      Seen("relay", CLIENT["ipv4"], 993), 10), f"{what}: it serves")
    for port in PORTS:
        sees(t.internet, own, port, "relay", CLIENT["ipv4"], f"{what}: {port} reaches the relay", CLIENT["ipv4"])
        sees(laptop, own, port, "relay", "192.168.1.1", f"{what}: {port} from the LAN reaches it, too")
    for ns in (relay, laptop):
        sees(ns, INTERNET["ipv4"], 25, "internet", own, f"{what}: {ns.name} takes the router's address")


@case.case
def as_written():
    play = guide.Play(proxy=HOME)
    # The interface comes after the module, as PPP's does.
    play.guide("router.md")
    t.add_wan("pppoe-wan")
    t.internet.ip("-6 route add 2001:db8:4:1::/64 via 2001:db8:1::1\n")
    serves("dialled in", PROXY["ipv4"])
    tap.ok('"half-configured"' in play["proxy"].run("chatdnatctl --json")[1], "chatdnatctl warns of IPv6 as the guide says")
    sees(laptop, "192.168.1.1", 80, "luci", LAPTOP, "the router's own page stays in the LAN")
    sees(t.internet, RELAY6, 993, "relay", CLIENT["ipv6"], "IPv6: the relay's own address", CLIENT["ipv6"])
    sees(laptop, INTERNET["ipv6"], 25, "internet", "2001:db8:4:1::20", "IPv6: nothing is translated")

    HOME.ip("link del pppoe-wan\n")
    wait.until(lambda: not net.exists("pppoe-wan"))
    t.add_wan("pppoe-wan", "198.18.7", "2001:db8:77:")
    t.internet.ip("route replace 10.9.0.1/32 via 198.18.7.1\n")
    HOME.ip("route replace 203.0.113.254 via 198.18.7.254\n")
    t.internet.ip("addr replace 203.0.113.254/32 dev lo\n")
    serves("redialled", "198.18.7.1")

    play.command("router.md", play["proxy"], "chatdnatctl set wan=ppp+")
    serves("wan=ppp+", "198.18.7.1")


case.run(setup, {RELAY})
