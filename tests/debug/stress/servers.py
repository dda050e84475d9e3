"""Servers behind the proxy and on the internet: they answer each record, and note which reached which address when."""

import collections
import heapq
import selectors
import socket
import struct

from lib import traffic

from . import record
from .places import TCP_PORTS, THEIR_PORT, UDP_PORTS
from .worker import Worker, now

# first: the first record of its flow at this host.
Arrival = collections.namedtuple("Arrival", "at host record first")
# A client that says nothing for so long has gone.
IDLE = 10 * 10**9
MANY = 64
# Some answers take a while: whatever changes meanwhile, the host behind the proxy speaks first. Of so many one.
LATE = 4
LONGEST_DELAY = 400 * 10**6


def delay(asked):
    """How long an answer takes; it follows from what is asked."""
    mixed = (asked.flow * 40503 + asked.number * 9973) % 10007
    return mixed * LONGEST_DELAY // 10007 if mixed % LATE == 0 else 0


class _Connection:
    def __init__(self, servers, sock, proto, port):
        self.servers, self.sock, self.proto, self.port = servers, sock, proto, port
        self.host = sock.getsockname()[0]
        self.heard = now()
        self.flow = None
        self.incoming, self.outgoing = bytearray(), bytearray()
        self.writing = False

    def ready(self, events):
        try:
            if events & selectors.EVENT_READ:
                self.heard = now()
                data = self.sock.recv(1 << 16)
                if not data:
                    self.end()
                    return
                self.incoming += data
                self._records()
            while self.outgoing:
                del self.outgoing[:self.sock.send(self.outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self.end()
            return
        except record.Broken as error:
            self.servers.broken.append(f"{self.host} port {self.port}: {error}")
            self.end()
            return
        if bool(self.outgoing) != self.writing:
            self.writing = bool(self.outgoing)
            self.servers.selector.modify(self.sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if self.writing else 0),
                                         self.ready)

    def say(self, data):
        if self.sock.fileno() >= 0:
            self.outgoing += data
            self.ready(0)

    def _records(self):
        while True:
            asked, length = record.decode(self.incoming)
            if not asked:
                return
            del self.incoming[:length]
            self.servers.later(delay(asked), self.say, self.servers.answer(asked, self.host, self.proto, self.port))
            if self.flow not in (None, asked.flow):
                raise record.Broken(f"two flows in one: {self.flow} and {asked}")
            self.flow = asked.flow

    def end(self):
        """With a reset: nothing is sent again later."""
        self.servers.selector.unregister(self.sock)
        self.servers.connections.discard(self)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Servers(Worker):
    name = "servers"

    def __init__(self, seed, spaces):
        super().__init__(seed)
        self.spaces = spaces
        self.selector = None
        self.turn, self.timers = 0, []
        self.connections, self.arrivals, self.broken, self.known = set(), [], [], set()

    def answer(self, asked, host, proto, port):
        """Notes a record, and makes the answer."""
        if asked.kind != record.ASK or (asked.proto, asked.port) != (proto, port):
            raise record.Broken(f"arrived at port {port}, protocol {proto}: {asked}")
        self.arrivals.append(Arrival(now(), host, asked, (asked.flow, host) not in self.known))
        self.known.add((asked.flow, host))
        return record.encode(asked._replace(kind=record.ANSWER, host=host, size=asked.want))

    def later(self, nanoseconds, method, *arguments):
        self.turn += 1
        heapq.heappush(self.timers, (now() + nanoseconds, self.turn, method, arguments))

    def _listen(self):
        self.selector = selectors.DefaultSelector()
        self.selector.register(self, selectors.EVENT_READ, None)
        for ns in self.spaces:
            for family in (socket.AF_INET, socket.AF_INET6):
                for port in TCP_PORTS + (THEIR_PORT,):
                    sock = traffic.listener(ns, family, socket.SOCK_STREAM, port)
                    sock.listen(512)
                    self.selector.register(sock, selectors.EVENT_READ,
                                           lambda _, sock=sock, port=port: self._accept(sock, port))
                for port in UDP_PORTS + (THEIR_PORT,):
                    sock = traffic.listener(ns, family, socket.SOCK_DGRAM, port)
                    self.selector.register(sock, selectors.EVENT_READ,
                                           lambda _, sock=sock, port=port: self._datagrams(sock, port))

    def _accept(self, listener, port):
        try:
            sock = listener.accept()[0]
        except (BlockingIOError, ConnectionError):
            return
        sock.setblocking(False)
        connection = _Connection(self, sock, socket.IPPROTO_TCP, port)
        self.connections.add(connection)
        self.selector.register(sock, selectors.EVENT_READ, connection.ready)

    def _datagrams(self, sock, port):
        for _ in range(MANY):
            try:
                data, peer, host, told = traffic.receive(sock)
            except OSError:
                # None is left, or an ICMP error about an earlier answer.
                return
            try:
                asked, length = record.decode(data)
                if length != len(data):
                    raise record.Broken(f"a datagram of {len(data)} bytes, not {length}")
                answer = self.answer(asked, host, socket.IPPROTO_UDP, port)
            except record.Broken as error:
                self.broken.append(f"{host} port {port}: {error}")
                continue
            self.later(delay(asked), self._send, sock, answer, told, peer)

    @staticmethod
    def _send(sock, answer, told, peer):
        try:
            sock.sendmsg([answer], told, 0, peer)
        except OSError:
            pass

    def work(self, phase):
        if not self.selector:
            self._listen()
        told = False
        while not told:
            wait = self.timers[0][0] - now() if self.timers else 10**9
            for key, events in self.selector.select(max(0, wait / 1e9)):
                if key.fileobj is self:
                    told = True
                elif self.selector.get_map().get(key.fd) is key:
                    key.data(events)
            while self.timers and self.timers[0][0] <= now():
                _, _, method, arguments = heapq.heappop(self.timers)
                method(*arguments)
            for connection in [each for each in self.connections if now() - each.heard > IDLE]:
                connection.end()
        for connection in list(self.connections):
            connection.end()
        report = self.arrivals, self.broken
        self.arrivals, self.broken = [], []
        return report


