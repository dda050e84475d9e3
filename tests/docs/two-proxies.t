#!/usr/bin/python3
# vm: --timeout 600
"""docs/two-proxies.md; the module works in the machine's own namespace only, so proxy B has the ruleset of docs/nftables.md"""

import os
import pathlib
import re
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import guide
import home
from home import WIREGUARD
from lib import case, tap, topo, traffic, wait
from lib.topo import CLIENT, CLIENT2, EVERY_RELAY, HOME, PROXY, PUBLIC
from lib.traffic import Connection, Seen

LOOK = "sh /etc/wireguard/way-out"

place = None


def setup():
    global place
    place = home.Place("public")
    place.play = guide.Play(proxy=HOME, relay=place.relay, client=place.internet, proxy_b=place.topology.public)
    place.play.guide("home-relay.md", "The tunnel", "The proxy")


def the_relay_of_b(text):
    """What nftables.md has for proxy A's tunnel."""
    return re.sub(r"\b10\.9\.0\.", "10.9.1.", text.replace("fd00:9::", "fd00:9:1::"))


@case.case
def as_written():
    play = place.play
    # Everything but the switch of the outgoing mail, which is for when A is down.
    play.guide("two-proxies.md", "The tunnel", "Proxy B")
    pathlib.Path("/etc/chatdnat.nft").touch()
    b = play["proxy-b"]
    for block in guide.blocks("nftables.md"):
        if block.path == "/etc/chatdnat.nft":
            b.file(block.path).write_text(the_relay_of_b(block.text))
    status, output = b.run("nft -f /etc/chatdnat.nft")
    tap.ok(status == 0, f"proxy B: the ruleset of nftables.md {output}")

    place.serves("by A")
    by_b("both there")
    play.guide("two-proxies.md", "Outgoing traffic")
    leaves_by("wg0", "both there")
    living = [Connection(place.internet, PUBLIC[version], 993, CLIENT2[version]) for version in topo.IP_VERSIONS]
    HOME.ip("link set eth0 down\n")
    tap.equal(traffic.tcp(place.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=1) in ("silence", "EHOSTUNREACH"),
              True, "A is gone")
    tap.ok(all(connection.echo(b"still here") for connection in living), "connections by B notice nothing")
    by_b("A gone")
    look_until("wg1", "A gone")
    for version in topo.IP_VERSIONS:
        place.sends("A gone", PUBLIC, version)
    tap.ok(all(connection.echo(b"still here") for connection in living), "connections by B notice nothing")
    place.topology.address_wan()
    for version in topo.IP_VERSIONS:
        tap.ok(wait.until(lambda v=version: traffic.tcp(place.internet, PROXY[v], 993, CLIENT[v], timeout=1) ==
                          Seen("relay", CLIENT[v], 993), 60), f"A is back: {version} it serves")
    look_until("wg0", "A is back")
    for version in topo.IP_VERSIONS:
        place.sends("A is back", PROXY, version)
    tap.ok(all(connection.echo(b"still here") for connection in living), "connections by B notice nothing")
    for connection in living:
        connection.close()
    place.hidden("two tunnels", WIREGUARD, (PUBLIC["ipv4"], socket.IPPROTO_UDP, 51820))
    within_a_minute()


def leaves_by(tunnel, what):
    for command in ("ip route get 9.9.9.9", "ip -6 route get 2620:fe::fe"):
        tap.ok(f" dev {tunnel} " in place.play["relay"].run(command)[1], f"{what}: {command} names {tunnel}")


def look_until(tunnel, what):
    """As the timer does. On a host that is held up a ping may be lost, and the next look finds what is true."""
    relay = place.play["relay"]
    tap.ok(wait.until(lambda: relay.run(LOOK)[0] == 0 and f" dev {tunnel} " in relay.run("ip route get 9.9.9.9")[1], 60),
           f"{what}: {LOOK}")
    leaves_by(tunnel, what)


def within_a_minute():
    """What the timer leaves between two looks, and the two pings of a look."""
    timer = place.play["relay"].file("/etc/systemd/system/way-out.timer").read_text(encoding="ascii")
    script = place.play["relay"].file("/etc/wireguard/way-out").read_text(encoding="ascii")
    seconds = [int(re.search(rf"^{name}=(\d+)$", timer, re.M)[1]) for name in ("OnUnitInactiveSec", "AccuracySec")]
    seconds += [int(re.search(r" -w (\d+) ", script)[1])] * 2
    tap.ok(sum(seconds) <= 60, f"B is used after {sum(seconds)} seconds at most")


def by_b(what):
    for version in topo.IP_VERSIONS:
        for port in topo.PORTS:
            tap.equal(traffic.tcp(place.internet, PUBLIC[version], port, CLIENT2[version]),
                      Seen("relay", CLIENT2[version], port), f"{what}: {version} {port} by B reaches the relay")


case.run(setup, EVERY_RELAY)
