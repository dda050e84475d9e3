#!/usr/bin/python3
# vm: --append ipv6.disable=1
"""A kernel without IPv6: the module loads, serves IPv4, takes its IPv6 settings and unloads."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, net, tap, topo, traffic
from lib.topo import CLIENT, INTERNET, PROXY, RELAY, TUNNEL
from lib.traffic import Connection, Seen

t = relay = None


def setup():
    global t, relay
    t = topo.Topology(relays=("relay", "other"))
    relay = traffic.Host("relay", t.relay).tcp(993).udp(3478)
    traffic.Host("other", t.other).tcp(993).udp(3478)
    traffic.Host("internet", t.internet).tcp(25)


@case.case
def works_without_ipv6():
    tap.ok(not net.have_ipv6(), "the kernel has no IPv6")
    module.load(wan="eth0", v4=RELAY["ipv4"], v6=RELAY["ipv6"], ports="chatmail,turn")
    tap.equal((module.get("v4"), module.get("v6")), (RELAY["ipv4"], RELAY["ipv6"]), "both families' settings are taken")
    for protocol, port in (("tcp", 993), ("udp", 3478)):
        tap.equal(traffic.ask(protocol, t.internet, PROXY["ipv4"], port, CLIENT["ipv4"]),
                  Seen("relay", CLIENT["ipv4"], port), f"IPv4 {protocol} is forwarded")
    tap.equal(traffic.tcp(t.relay, INTERNET["ipv4"], 25), Seen("internet", PROXY["ipv4"], 25), "and masqueraded")
    module.set("masquerade", "all")
    tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]), Seen("relay", TUNNEL["ipv4"], 993),
              "masquerade=all too")
    tap.equal(set(module.stats("ipv6").values()), {0}, "nothing is counted for IPv6")


@case.case
def each_engine_without_ipv6():
    entries = f"{RELAY['ipv6']}@2001:db8:1::1,fd00:9:1::2"
    v4 = f"{RELAY['ipv4']}@{PROXY['ipv4']}"
    module.load(wan="eth0", v4=v4, v6=entries, engine="auto")
    tap.equal(module.get("v6"), entries, "engine=auto takes IPv6 settings")
    tap.equal(traffic.ask("tcp", t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]), Seen("relay", CLIENT["ipv4"], 993),
              "and IPv4 is forwarded")
    for engine in ("tracked", "auto", "stateless"):
        for v6 in (RELAY["ipv6"], f"{RELAY['ipv6']}@2001:db8:1::1", entries):
            module.configure(wan="eth0", v4=v4, v6=v6, engine=engine)
            tap.equal(module.get("engine"), engine, f"engine={engine} v6={v6}")


@case.case
@case.tracked("the stateless engine does not know idle connections")
def reconfigures_without_ipv6():
    module.load(wan="eth0", v4=RELAY["ipv4"], v6=RELAY["ipv6"])
    for changes in ({"v6": "fd00:9:1::2"}, {"v6": ""}, {"v6": "fd00:9::2@2001:db8:1::1"}, {"enabled": "0"}):
        module.configure(**{"wan": "eth0", "v4": RELAY["ipv4"], **changes})
    module.configure(wan="eth0", v4=RELAY["ipv4"], v6=RELAY["ipv6"])
    with Connection(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]) as connection:
        module.set("v4", topo.OTHER["ipv4"])
        tap.equal(connection.fate(), "reset", "stale=flush resets an idle IPv4 client")
    with Connection(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]) as connection:
        tap.equal(connection.answer.server, "other", "which reconnects to the new relay")
        module.unload()
        tap.equal(connection.fate(), "reset", "and is reset by the unload")


case.run(setup, topo.EVERY_RELAY)
