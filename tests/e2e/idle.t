#!/usr/bin/python3
# vm: --icount --timeout 600
"""Connections that are silent for half an hour. With --icount that time passes at once."""

import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, tap, topo, traffic
from lib.topo import CLIENT, HOME, PROXY, settings
from lib.traffic import Connection, Flow

TCP, UDP = 993, 3478
# IMAP's IDLE is renewed that often (RFC 2177), and the timeout of connection tracking here is a little more.
SILENCE, TIMEOUT = 29 * 60, 30 * 60
STREAM = 180

t = None


def setup():
    global t
    t = topo.Topology()
    traffic.Host("relay", t.relay).tcp(25, TCP).udp(UDP)
    traffic.Host("internet", t.internet).tcp(25)
    HOME.sysctl(netfilter__nf_conntrack_tcp_timeout_established=TIMEOUT, netfilter__nf_conntrack_udp_timeout_stream=STREAM)


def sessions():
    """One that a client has opened, and one that the relay has."""
    return [(f"{version} {name}", connect()) for version in topo.ip_versions() for name, connect in (
        ("in", lambda v=version: Connection(t.internet, PROXY[v], TCP, CLIENT[v])),
        ("out", lambda v=version: Connection(t.relay, topo.INTERNET[v], 25)))]


def silence(seconds):
    """The limit of a case is for what does not end."""
    left = signal.alarm(0)
    time.sleep(seconds)
    signal.alarm(left)


@case.case
def a_session():
    module.load(**settings(ports="chatmail,turn"))
    opened = sessions()
    for pause in range(3):
        for name, session in opened:
            tap.ok(session.echo(os.urandom(100000)), f"{name}: after {pause} silences of {SILENCE} seconds")
        silence(SILENCE)
    for name, session in opened:
        tap.ok(session.goes_on(), f"{name}: and the next word")
        session.close()


@case.case
def a_session_of_words():
    """One now and then, for longer than the timeout: connection tracking is told of those on the fast path."""
    module.load(**settings(ports="chatmail,turn"))
    opened = sessions()
    for _, session in opened:
        session.echo(os.urandom(100000))
    counters = module.Counters()
    for _ in range(TIMEOUT // 20 + 10):
        for name, session in opened:
            if not session.goes_on():
                tap.ok(False, f"{name}: goes on")
        silence(20)
    for version in topo.ip_versions():
        tap.equal(counters.gained(version), {}, f"{version}: connection tracking did not have to find them again")
    for name, session in opened:
        tap.ok(session.goes_on(), f"{name}: goes on after all")
        session.close()


@case.case
def a_flow():
    """Its datagrams come from the same address and port after a pause that is shorter than the timeout."""
    module.load(**settings(ports="chatmail,turn"))
    flows = [(version, Flow(t.internet, PROXY[version], UDP, CLIENT[version])) for version in topo.ip_versions()]
    peers = {version: flow.ask().peer_port for version, flow in flows}
    for pause in range(4):
        for version, flow in flows:
            for _ in range(20):
                answer = flow.ask()
            tap.equal((answer.peer, answer.peer_port), (CLIENT[version], peers[version]), f"{version}: after {pause} pauses")
        silence(STREAM - 10)
    for _, flow in flows:
        flow.close()


case.run(setup)
