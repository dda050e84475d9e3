#!/usr/bin/python3
# vm: --timeout 600
"""docs/public-relay.md"""

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import guide
from lib import case, tap, topo, traffic
from lib.topo import CLIENT, EVERY_RELAY, HOME, INTERNET, PORTS, PROXY, PUBLIC
from lib.traffic import Seen

t = None


def setup():
    global t
    t = topo.Topology(relays=("public",))
    HOME.sysctl(ipv4__ip_forward=0, ipv6__conf__all__forwarding=0)


@case.case
def as_written():
    play = guide.Play(proxy=HOME, relay=t.public)
    play.guide("public-relay.md")
    traffic.Host("relay", t.public).tcp(*PORTS)
    traffic.Host("internet", t.internet).tcp(25)
    traffic.Host("proxy", HOME).tcp(22, 8080)
    for version in topo.IP_VERSIONS:
        for port in PORTS:
            tap.equal(traffic.tcp(t.internet, PROXY[version], port, CLIENT[version]),
                      Seen("relay", PROXY[version], port), f"{version} {port}: the relay sees the proxy")
        tap.equal(traffic.tcp(t.internet, PROXY[version], 22, CLIENT[version]), Seen("proxy", CLIENT[version], 22),
                  f"{version}: SSH is the proxy's own")
        tap.equal(traffic.tcp(t.internet, PROXY[version], 8080, CLIENT[version], timeout=1), "silence",
                  f"{version}: nothing else is")
        tap.equal(traffic.tcp(t.public, INTERNET[version], 25), Seen("internet", PUBLIC[version], 25),
                  f"{version}: the relay's mail comes from its own address")
    tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 993, INTERNET["ipv4"]), Seen("relay", PROXY["ipv4"], 993), "a neighbour is served")
    tap.equal(HOME.run("nstat", "-asz", "IcmpOutRedirects").split()[-2], "0", "and not sent elsewhere")
    warned = [each["id"] for each in json.loads(play["proxy"].run("chatdnatctl --json")[1])["findings"]]
    tap.ok("relay-by-wan" in warned, "chatdnatctl warns of it by the name that the guide gives")


case.run(setup, EVERY_RELAY)
