"""Clients on the internet, behind the proxy, and on the proxy: many connections at a time, each with its own records."""

import collections
import errno
import heapq
import selectors
import socket
import struct

from lib import net
from lib.topo import CLIENT, CLIENT2, INTERNET, TRANSIT

from . import record
from .places import DIALED, TCP_PORTS, THEIR_PORT, UDP_PORTS, VERSIONS
from .worker import Worker, now

SECOND = 10**9
# A client that hears nothing for so long gives up.
PATIENCE = {socket.IPPROTO_TCP: 4 * SECOND, socket.IPPROTO_UDP: SECOND // 2}
SOURCES = (CLIENT, CLIENT2)
# No source port is used twice for long: nobody may take a flow for an earlier one. Each process has so many of its own.
FIRST_PORT, PORTS = 10000, 25000
NAMES = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp"}
# What may become of a connection when all around it changes.
FATES = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "reset", errno.EPIPE: "reset", errno.ENETUNREACH: "unreachable",
         errno.EHOSTUNREACH: "unreachable", errno.EACCES: "prohibited", errno.EPERM: "prohibited",
         errno.EADDRNOTAVAIL: "no address", errno.ETIMEDOUT: "silence"}


class _Flow:
    """One connection or UDP flow: a record at a time, and its answer."""

    def __init__(self, clients, number, where):
        self.clients, self.number = clients, number
        self.proto, self.ns, self.version, self.dialed, self.port, self.source, self.rounds = where
        self.random = clients.random
        self.begun = self.moved = now()
        self.connected = self.proto == socket.IPPROTO_UDP
        self.sent = self.answered = 0
        self.asked = self.host = None
        self.incoming, self.outgoing = bytearray(), bytearray()
        tcp = self.proto == socket.IPPROTO_TCP
        self.sock = self.ns.socket(net.family_of(self.dialed), socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.sock.bind(self.source)
            clients.selector.register(self.sock, selectors.EVENT_WRITE, self.ready)
            error = self.sock.connect_ex((self.dialed, self.port))
            if error not in (0, errno.EINPROGRESS):
                raise OSError(error, "connect")
        except OSError as error:
            self.end(FATES.get(error.errno, str(error)))

    def ready(self, events):
        self.moved = now()
        try:
            if not self.connected:
                error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    raise OSError(error, "connect")
                self.connected = True
            if events & selectors.EVENT_READ:
                data = self.sock.recv(1 << 16)
                if not data and self.proto == socket.IPPROTO_TCP:
                    self.end("closed")
                    return
                self._heard(data)
            if self.sock.fileno() >= 0:
                self._talk()
        except BlockingIOError:
            pass
        except OSError as error:
            self.end(FATES.get(error.errno, str(error)))
        except record.Broken as error:
            self.clients.broken.append(f"{self}: {error}")
            self.end("broken")

    def _heard(self, data):
        self.incoming += data
        while True:
            answer, length = record.decode(self.incoming)
            if not answer:
                break
            del self.incoming[:length]
            self._answered(answer)
        if self.proto == socket.IPPROTO_UDP and self.incoming:
            raise record.Broken("a datagram is not a record")

    def _answered(self, answer):
        late = self.proto == socket.IPPROTO_UDP and answer.number < self.sent
        if answer.kind != record.ANSWER or answer.flow != self.number or not (
                late or self.asked and answer == self.asked._replace(kind=record.ANSWER, host=answer.host,
                                                                     size=self.asked.want)):
            raise record.Broken(f"not the answer to {self.asked}: {answer}")
        if self.proto == socket.IPPROTO_TCP and self.host not in (None, answer.host):
            raise record.Broken(f"{self.host} first, then {answer.host}")
        self.host = answer.host
        if self.asked and answer.number == self.asked.number:
            self.asked = None
            self.answered += 1
            self.clients.count(self, "answered")
            self.clients.later(self, self.random.random() ** 3)

    def next(self):
        """Sends the next record, or ends."""
        if self.sock.fileno() < 0 or self.asked or not self.connected:
            return
        if self.sent == self.rounds:
            self.end("done")
            return
        largest = record.LONGEST if self.proto == socket.IPPROTO_TCP else record.LARGEST
        # Most are small, as mail's commands are.
        size, want = [int(largest * self.random.random() ** 4) for _ in range(2)]
        self.moved = now()
        self.sent += 1
        self.asked = record.Record(record.ASK, self.proto, self.port, self.dialed, "", self.number, self.sent, self.begun,
                                   self.moved, want, size)
        self.outgoing = bytearray(record.encode(self.asked))
        self.ready(0)

    def _talk(self):
        if self.connected and not self.sent:
            self.next()
            return
        while self.outgoing:
            del self.outgoing[:self.sock.send(self.outgoing)]
        self._expect()

    def _expect(self):
        self.clients.selector.modify(self.sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if self.outgoing else 0),
                                     self.ready)

    def overdue(self):
        if now() - self.moved < PATIENCE[self.proto] or self.connected and not self.asked:
            return
        self.clients.count(self, "silence")
        if self.proto == socket.IPPROTO_TCP:
            self.end("silence")
            return
        self.asked = None
        self.next()

    def end(self, fate):
        if self.sock.fileno() < 0:
            return
        self.clients.count(self, fate)
        self.clients.flows.discard(self)
        try:
            self.clients.selector.unregister(self.sock)
        except KeyError:
            pass
        # Some part politely. The others never send anything again.
        if self.proto == socket.IPPROTO_TCP and (fate != "done" or self.random.random() < 0.5):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def __str__(self):
        return (f"flow {self.number} {NAMES[self.proto]} from {self.source} in {self.ns.name} "
                f"to {self.dialed} port {self.port}")


class Clients(Worker):
    def __init__(self, number, seed, kinds):
        """kinds: how many flows of each protocol at a time"""
        self.name = f"clients {number}"
        super().__init__(seed)
        self.kinds = kinds
        self.numbers = number << 32
        self.first = FIRST_PORT + number * PORTS
        self.selector = None
        self.flows, self.timers, self.fates, self.broken = set(), [], collections.Counter(), []
        self.turn = 0
        self.ports = collections.Counter()
        self.inside = self.home = self.outside = None

    def places(self, outside, home, inside):
        self.outside, self.home, self.inside = outside, home, inside

    def count(self, flow, fate):
        self.fates[NAMES[flow.proto], flow.version, fate] += 1

    def later(self, flow, seconds):
        self.turn += 1
        heapq.heappush(self.timers, (now() + int(seconds * SECOND), self.turn, flow))

    def _source(self, ns, proto, address):
        key = ns.name, proto, address
        self.ports[key] += 1
        return address, self.first + self.ports[key] % PORTS

    def _where(self, proto):
        """Mostly from the internet to the proxy; some from the proxy or a host behind it, by hairpin, some to the internet."""
        roll, version = self.random.random(), self.random.choice(VERSIONS)
        ns, address, dialed = self.outside, self.random.choice(SOURCES)[version], self.random.choice(DIALED)
        port = self.random.choice((TCP_PORTS if proto == socket.IPPROTO_TCP else UDP_PORTS) * 3 + (THEIR_PORT,))
        if roll < 0.15:
            ns, own = self.random.choice(self.inside)
            address = own[version]
            dialed = INTERNET if roll < 0.1 else DIALED[0]
        elif roll < 0.2:
            ns, address, dialed = self.home, "", self.random.choice((DIALED[0], TRANSIT))
        return proto, ns, version, dialed[version], port, self._source(ns, proto, address), self.random.randint(1, 40)

    def work(self, phase):
        self.selector = self.selector or selectors.DefaultSelector()
        self.selector.register(self, selectors.EVENT_READ, None)
        look = 0
        while not self.stopped():
            self._fill()
            until = min([look] + [self.timers[0][0]] if self.timers else [look])
            for key, events in self.selector.select(max(0.001, min((until - now()) / SECOND, 0.05))):
                if key.data and self.selector.get_map().get(key.fd) is key:
                    key.data(events)
            while self.timers and self.timers[0][0] <= now():
                heapq.heappop(self.timers)[2].next()
            if look <= now():
                look = now() + SECOND // 10
                for flow in list(self.flows):
                    flow.overdue()
        for flow in list(self.flows):
            flow.end("stopped")
        self.selector.unregister(self)
        self.timers.clear()
        report = self.fates, self.broken
        self.fates, self.broken = collections.Counter(), []
        return report

    def _fill(self):
        """One new flow at most: refused ones would leave time for nothing else."""
        for proto, many in self.kinds.items():
            if sum(flow.proto == proto for flow in self.flows) < many:
                self.numbers += 1
                flow = _Flow(self, self.numbers, self._where(proto))
                if flow.sock.fileno() >= 0:
                    self.flows.add(flow)
