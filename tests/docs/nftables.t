#!/usr/bin/python3
# vm: --timeout 600
"""docs/nftables.md: the same traffic as through the module, without it"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import home
from lib import case, conntrack, module, tap, topo, traffic, wait
from lib.topo import CLIENT, EVERY_RELAY, HOME, PROXY
from lib.traffic import Seen

place = None


def setup():
    global place
    place = home.Place()
    place.play.guide("home-relay.md", "The tunnel")
    # Of what follows, forwarding; the rest is about the module.
    place.play.guide("home-relay.md", "The proxy")
    module.unload()
    tap.ok(wait.until(lambda: not module.loaded()), "the module is gone")


@case.case
def as_written():
    place.play.guide("nftables.md")
    place.serves("nftables")
    place.guarded("nftables")
    traffic.Host("turn", place.relay).udp(3478)
    for version in topo.IP_VERSIONS:
        tap.equal(traffic.udp(place.internet, PROXY[version], 3478, CLIENT[version]),
                  Seen("turn", CLIENT[version], 3478), f"nftables: {version} 3478/udp reaches the relay")
        tap.equal(traffic.tcp(place.relay, topo.TUNNEL[version], 8080, topo.RELAY[version]),
                  Seen("proxy", topo.RELAY[version], 8080), f"nftables: {version} the tunnel is not judged")
    place.play["proxy"].run("nft -f /etc/chatdnat.nft")
    place.serves("loaded once more")
    own_connections_keep_their_source()
    HOME.run("wg-quick", "down", "wg0")
    place.refused("tunnel down")
    HOME.nft("delete table inet chatdnat")
    conntrack.flush()


def own_connections_keep_their_source():
    for version in topo.IP_VERSIONS:
        tap.equal(traffic.tcp(HOME, topo.INTERNET[version], 25, topo.PROXY3[version]),
                  Seen("internet", topo.PROXY3[version], 25), f"{version}: the proxy's own connection keeps its source")


@case.case
def before_there_is_an_interface():
    relay = place.play["relay"]
    place.relay.ip("link set eth0 down\nlink set eth0 name home\n")
    status, output = relay.run("nft -f /etc/chatdnat.nft")
    tap.ok(status == 0, f"it loads where there is no such interface {output}")


case.run(setup, EVERY_RELAY)
