#!/usr/bin/python3
"""A smaller MTU on either side: large transfers pass, because ICMP errors are translated too."""

import os
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, tap, topo, traffic, wait
from lib.topo import CLIENT, HOME, PROXY, settings
from lib.traffic import Connection

SIZE = 100000
IP_MTU, IPV6_MTU = 14, 24

t = relay = far = None


def setup():
    global t, relay, far
    t = topo.Topology(relays=("relay",))
    relay = traffic.Host("relay", t.relay).tcp(993)
    far = t.add_far(mtu=1300)


def path_mtu(sock, version):
    if version == "ipv4":
        return sock.getsockopt(socket.IPPROTO_IP, IP_MTU)
    return sock.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU)


@case.case
def towards_the_client():
    module.load(**settings(mss="off"))
    for version in topo.ip_versions():
        with Connection(far, PROXY[version], 993, timeout=20) as connection:
            served = wait.until(lambda c=connection: relay.connection(c.address, c.port))
            data = os.urandom(SIZE)
            tap.ok(connection.echo(data), f"{version}: {SIZE} bytes arrive through a hop with a smaller MTU")
            tap.equal(path_mtu(served.sock, version), 1300, f"{version}: the relay's socket learnt it by ICMP")


@case.case
def towards_the_relay():
    narrow = "".join(f"{flag}route {{}} {address} dev wg0 mtu lock 1290\n"
                     for flag, address in (("", "10.9.0.2/32"), ("-6 ", "fd00:9::2/128")))
    HOME.ip(narrow.replace("{}", "replace"))
    try:
        module.load(**settings(mss="off"))
        for version in topo.ip_versions():
            with Connection(t.internet, PROXY[version], 993, CLIENT[version], timeout=20) as connection:
                data = os.urandom(SIZE)
                tap.ok(connection.echo(data), f"{version}: {SIZE} bytes arrive through a tunnel with a smaller MTU")
                tap.equal(path_mtu(connection.sock, version), 1290,
                          f"{version}: the client's socket learnt it by the proxy's ICMP")
    finally:
        HOME.ip(narrow.replace("{}", "del"))


case.run(setup, topo.EVERY_RELAY)
