#!/usr/bin/python3
# vm: --timeout 600
"""docs/home-relay.md"""

import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import home
import ctl
from lib import case, tap, topo, traffic, wait
from lib.topo import EVERY_RELAY, HOME, PROXY, WORLD
from lib.traffic import Seen

place = None


def setup():
    global place
    place = home.Place()


@case.case
def as_written():
    play = place.play
    play.guide("home-relay.md")
    greetings = [text for command, text in play.output.items() if command.startswith("nc ")]
    tap.equal([text.split()[0] for text in greetings], ["relay", "relay"], "the first test shows the relay's greeting")
    place.serves("as written")
    place.guarded("as written")
    tap.equal([finding for finding in ctl.run("--json").findings().values() if finding["severity"] != "note"], [],
              "chatdnatctl finds nothing wrong")
    for version in topo.IP_VERSIONS:
        tap.ok(" dev wg0 " in place.play["relay"].run(f"ip route get {WORLD[version]} ipproto tcp dport 25")[1],
               f"{version}: troubleshooting.md's look at the way of outgoing mail")
    everything_through_the_tunnel()
    HOME.run("wg-quick", "down", "wg0")
    place.refused("tunnel down")


def everything_through_the_tunnel():
    """The variant: the lines left out that the guide names."""
    relay = place.play["relay"]
    relay.run("wg-quick down wg0")
    file = relay.file("/etc/wireguard/wg0.conf")
    text = file.read_text()
    file.write_text(re.sub(r"^(Table|PostDown|PostUp = ip).*\n", "", text, flags=re.M))
    tap.equal(relay.run("wg-quick up wg0")[0], 0, "all through the tunnel: wg-quick takes the shorter file")
    for version in topo.IP_VERSIONS:
        tap.ok(wait.until(lambda v=version: traffic.tcp(place.relay, WORLD[v], 80, timeout=1) ==
                          Seen("world", PROXY[v], 80), 30), f"all through the tunnel: {version} everything comes from the proxy")
        tap.equal(traffic.tcp(place.internet, PROXY[version], 993, topo.CLIENT[version]),
                  Seen("relay", topo.CLIENT[version], 993), f"all through the tunnel: {version} clients are served")


case.run(setup, EVERY_RELAY, 240)
