#!/usr/bin/python3
# vm: --mem 1024 --icount
"""Thousands of connections in a burst: all are answered, all are counted, none is lost."""

import os
import resource
import select
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, net, tap, topo
from lib.topo import CLIENT, HOME, PROXY, RELAY, settings

# A kernel with all its instruments takes ten times as long for each.
CONNECTIONS = 1000 if "debug" in os.uname().release else 4000

t = None


def setup():
    global t
    resource.setrlimit(resource.RLIMIT_NOFILE, (3 * CONNECTIONS, 3 * CONNECTIONS))
    t = topo.Topology(relays=("relay",))
    t.relay.sysctl(core__somaxconn=2 * CONNECTIONS, ipv4__tcp_max_syn_backlog=2 * CONNECTIONS)
    t.internet.sysctl(ipv4__ip_local_port_range="1024 65000")
    HOME.sysctl(netfilter__nf_conntrack_max=8 * CONNECTIONS)
    # What the input queue of the emulated machine's only CPU may hold.
    HOME.sysctl(core__netdev_max_backlog=4 * CONNECTIONS)


def listener(version):
    family = net.family_of(RELAY[version])
    sock = t.relay.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((RELAY[version], 993))
    sock.listen(2 * CONNECTIONS)
    sock.setblocking(False)
    return sock


def burst(version, masquerade):
    """Opens all at once, answers each, and keeps all open until the last one is established."""
    what = f"{version} masquerade={masquerade}"
    counters = module.Counters()
    begin = time.monotonic()
    server = listener(version)
    poll = select.epoll()
    poll.register(server.fileno(), select.EPOLLIN)
    clients, served, failed = {}, {}, []
    family, target = net.family_of(PROXY[version]), (PROXY[version], 993)
    answered = set()
    with t.internet:
        for _ in range(CONNECTIONS):
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.bind((CLIENT[version], 0))
            sock.connect_ex(target)
            clients[sock.fileno()] = sock
    opened = time.monotonic()
    for number in clients:
        poll.register(number, select.EPOLLIN)
    limit = time.monotonic() + 40
    while len(answered) + len(failed) < CONNECTIONS and time.monotonic() < limit:
        for number, _ in poll.poll(1, 4096):
            if number == server.fileno():
                while True:
                    try:
                        sock, peer = server.accept()
                    except BlockingIOError:
                        break
                    served[peer[:2]] = sock
                    sock.send(f"{peer[0]} {peer[1]}".encode())
                continue
            sock = clients[number]
            poll.unregister(number)
            try:
                told = sock.recv(100).decode()
            except OSError as error:
                failed.append(str(error))
                continue
            own = sock.getsockname()
            if masquerade == "all" or told == f"{own[0]} {own[1]}":
                answered.add(told)
            else:
                failed.append(f"{own[:2]} was told {told}")
    end = time.monotonic()
    tap.equal((len(answered), failed[:3]), (CONNECTIONS, []), f"{what}: {CONNECTIONS} connections at once are answered")
    tap.equal(len(served), CONNECTIONS, f"{what}: the relay accepted as many")
    gained = counters.gained(version)
    seen = gained.pop("seen", 0)
    want = dict.fromkeys(("translated", "sent", "answered"), CONNECTIONS)
    if masquerade == "all":
        want["masqueraded"] = CONNECTIONS
    tap.equal(gained, want, f"{what}: each is counted once at each stage")
    tap.ok(CONNECTIONS <= seen <= 2 * CONNECTIONS, f"{what}: seen counts them, and SYNs sent again at most ({seen})")
    tap.diag(f"{what}: opened in {opened - begin:.1f} s, answered in {end - begin:.1f} s")
    for sock in [*clients.values(), *served.values(), server]:
        # With a reset rather than thousands of connections in TIME_WAIT.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
    poll.close()


@case.case
def ipv4():
    module.load(**settings())
    burst("ipv4", "wan")


@case.case
def ipv6():
    module.load(**settings())
    burst("ipv6", "wan")


@case.case
def masqueraded():
    module.load(**settings(masquerade="all"))
    burst("ipv4", "all")


@case.tracked("the stateless engine does not know idle connections")
def flushed_at_once():
    """More live connections than are ended in one batch, ended by one write."""
    module.load(**settings())
    server = listener("ipv4")
    clients = []
    served = []
    with t.internet:
        for _ in range(CONNECTIONS * 5 // 8):
            sock = socket.socket()
            sock.bind((CLIENT["ipv4"], 0))
            sock.settimeout(10)
            sock.connect((PROXY["ipv4"], 993))
            clients.append(sock)
            try:
                served.append(server.accept()[0])
            except BlockingIOError:
                pass
    begin = time.monotonic()
    module.set("v4", "")
    took = time.monotonic() - begin
    fates = {}
    for sock in clients:
        sock.settimeout(3)
        try:
            fate = "data" if sock.recv(1) else "closed"
        except OSError as error:
            fate = type(error).__name__
        fates[fate] = fates.get(fate, 0) + 1
    tap.equal(fates, {"ConnectionResetError": len(clients)}, f"all {len(clients)} idle clients are reset by one write")
    tap.diag(f"the write took {took:.2f} s, with all resets {time.monotonic() - begin:.2f} s")
    for sock in [*clients, *served, server]:
        sock.close()


case.run(setup, topo.EVERY_RELAY)
