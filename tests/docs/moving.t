#!/usr/bin/python3
# vm: --timeout 600
"""docs/moving.md: from the recipe to the module, with connections that live through it"""

import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import guide
from lib import case, module, tap, topo, traffic
from lib.topo import CLIENT, EVERY_RELAY, HOME, INTERNET, PORTS, PROXY
from lib.traffic import Connection, Seen

RECIPE = pathlib.Path(__file__).resolve().with_name("recipe.nft")

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay",))
    traffic.Host("relay", t.relay).tcp(*PORTS)
    traffic.Host("internet", t.internet).tcp(25)
    traffic.Host("proxy", HOME).tcp(22, 8080)


def reached(what):
    for version in topo.IP_VERSIONS:
        for port in PORTS:
            tap.equal(traffic.tcp(t.internet, PROXY[version], port, CLIENT[version]),
                      Seen("relay", CLIENT[version], port), f"{what}: {version} {port} reaches the relay")
        tap.equal(traffic.tcp(t.internet, PROXY[version], 22, CLIENT[version]),
                  Seen("proxy", CLIENT[version], 22), f"{what}: {version} SSH is the proxy's own")
        tap.equal(traffic.tcp(t.internet, PROXY[version], 8080, CLIENT[version], timeout=1), "silence",
                  f"{what}: {version} nothing else is")


def outgoing(timeout):
    return [traffic.tcp(t.relay, INTERNET[version], 25, timeout=timeout) for version in topo.IP_VERSIONS]


@case.case
def from_the_recipe():
    HOME.run("nft", "-f", str(RECIPE))
    reached("recipe")
    tap.equal(outgoing(1), ["silence"] * 2, "recipe: the relay's mail does not leave")
    living = {f"{version} {port}": Connection(t.internet, PROXY[version], port, CLIENT[version])
              for version in topo.IP_VERSIONS for port in (22, 993)}
    play = guide.Play(proxy=HOME)
    blocks = [block for block in guide.blocks("moving.md") if block.hosts == ["proxy"] and block.tried]
    for step, block in enumerate(blocks):
        for command in block.commands():
            play.command("moving.md", play["proxy"], command)
            for name, connection in living.items():
                tap.ok(connection.echo(b"still here"), f"{name}: the old connection continues")
        if not step:
            before = module.Counters()
        reached(f"step {step + 1}")
    for version in topo.IP_VERSIONS:
        tap.ok(before.gained(version).get("answered", 0) >= 2 * len(PORTS), f"{version}: new connections are the module's")
    tap.equal(HOME.run("nft", "list", "ruleset").strip(), "", "the recipe is gone")
    tap.equal(outgoing(5), [Seen("internet", PROXY[version], 25) for version in topo.IP_VERSIONS],
              "the relay's mail leaves")
    for block in guide.blocks("moving.md"):
        if not block.tried:
            for command in block.commands():
                tap.skip(f"moving.md: proxy: {command}", "not in this machine")
    for connection in living.values():
        connection.close()


case.run(setup, EVERY_RELAY)
