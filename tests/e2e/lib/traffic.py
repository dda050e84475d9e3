"""Servers that tell who they are and whom they see, and the clients that ask them."""

import collections
import contextlib
import errno
import itertools
import selectors
import socket
import struct
import threading

from . import module, net, wait

# What a client learns: who answered, and the two ends as the server sees them.
Answer = collections.namedtuple("Answer", "server peer peer_port own own_port")
# Short form for comparisons.
Seen = collections.namedtuple("Seen", "server peer own_port")

IPV6_RECVPKTINFO, IPV6_PKTINFO, IP_PKTINFO = 49, 50, 8


def _line(name, peer, own):
    return f"{name} {peer[0]} {peer[1]} {own[0]} {own[1]}\n".encode()


def _answer(line):
    server, peer, peer_port, own, own_port = line.decode().split()
    return Answer(server, peer, int(peer_port), own, int(own_port))


class _Loop(threading.Thread):
    """One thread serves every server of the test."""

    def __init__(self):
        super().__init__(daemon=True)
        # Held by who serves, and by who closes what is served.
        self.lock = threading.Lock()
        self.selector = selectors.DefaultSelector()
        # An empty selector would not wait; nor would this end, ready for ever, once the other one is gone.
        self._ends = socket.socketpair()
        self.selector.register(self._ends[0], selectors.EVENT_READ, lambda _: None)

    def run(self):
        while True:
            for key, events in self.selector.select():
                with self.lock:
                    current = self.selector.get_map().get(key.fd)
                    if current and current.fileobj is key.fileobj:
                        key.data(events)


_loop = _Loop()


def _serve(sock, handler):
    if not _loop.is_alive():
        _loop.start()
    _loop.selector.register(sock, selectors.EVENT_READ, handler)


class _Served:
    """A TCP connection on the server's side: introduces itself, then echoes."""

    def __init__(self, name, sock, peer):
        own = sock.getsockname()
        self.sock = sock
        self.peer, self.own = peer[:2], own[:2]
        self.state = "open"
        self.received = 0
        self._pending = bytearray(_line(name, peer, own))
        self._events = selectors.EVENT_READ
        _serve(sock, self._ready)
        self._flush()

    def _ready(self, events):
        try:
            if events & selectors.EVENT_READ:
                data = self.sock.recv(1 << 16)
                if not data:
                    self._end("closed")
                    return
                self.received += len(data)
                self._pending += data
            self._flush()
        except BlockingIOError:
            pass
        except OSError as error:
            self._end("reset" if error.errno == errno.ECONNRESET else str(error))

    def _flush(self):
        try:
            while self._pending:
                del self._pending[:self.sock.send(self._pending)]
        except BlockingIOError:
            pass
        except OSError as error:
            self._end("reset" if error.errno in (errno.ECONNRESET, errno.EPIPE) else str(error))
            return
        want = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._pending else 0)
        if want != self._events:
            self._events = want
            _loop.selector.modify(self.sock, want, self._ready)

    def push(self, data):
        """Sends on the server's own initiative."""
        self.sock.send(data)

    def _end(self, state):
        self.state = state
        try:
            _loop.selector.unregister(self.sock)
        except KeyError:
            pass
        self.sock.close()


def listener(ns, family, kind, port):
    """A server's socket, for any local address; receive() tells which one a datagram was for."""
    sock = ns.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if kind == socket.SOCK_DGRAM and family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
    elif kind == socket.SOCK_DGRAM:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    sock.bind(("", port))
    sock.setblocking(False)
    return sock


def receive(sock):
    """A datagram, its sender, the local address that it was for, and the ancillary data that has an answer come from there."""
    data, ancillary, _, peer = sock.recvmsg(1 << 16, 256)
    ancillary = [each for each in ancillary if each[1] in (IP_PKTINFO, IPV6_PKTINFO)]
    info = ancillary[0][2]
    own = (socket.inet_ntop(socket.AF_INET6, info[:16]) if sock.family == socket.AF_INET6
           else socket.inet_ntoa(info[8:12]))
    return data, peer, own, ancillary


class Host:
    """The servers of one namespace, under one name."""

    def __init__(self, name, ns):
        self.name, self.ns = name, ns
        self.served = []
        self.datagrams = []
        self._sockets = []

    def tcp(self, *ports, backlog=512):
        for family in self._families():
            for port in ports:
                sock = self._bound(family, socket.SOCK_STREAM, port)
                sock.listen(backlog)
                _serve(sock, lambda _, sock=sock: self._accept(sock))
        return self

    def udp(self, *ports):
        for family in self._families():
            for port in ports:
                sock = self._bound(family, socket.SOCK_DGRAM, port)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
                _serve(sock, lambda _, sock=sock: self._datagram(sock))
        return self

    def connection(self, peer, peer_port):
        """The latest connection from that end."""
        # Whoever has its first line may be ahead of who serves it.
        with _loop.lock:
            for served in reversed(self.served):
                if served.peer == (peer, peer_port):
                    return served
        return None

    def close(self):
        with _loop.lock:
            for sock in self._sockets:
                _loop.selector.unregister(sock)
                sock.close()
            self._sockets.clear()
            for served in self.served:
                if served.state == "open":
                    served._end("dropped")  # pylint: disable=protected-access

    def abort(self):
        """Ends what is open with a reset: the kernel sends nothing of it again later."""
        with _loop.lock:
            for served in self.served:
                if served.state == "open":
                    served.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    served._end("dropped")  # pylint: disable=protected-access

    @staticmethod
    def _families():
        return (socket.AF_INET, socket.AF_INET6) if net.have_ipv6() else (socket.AF_INET,)

    def _bound(self, family, kind, port):
        sock = listener(self.ns, family, kind, port)
        self._sockets.append(sock)
        return sock

    def _accept(self, sock):
        while True:
            try:
                served, peer = sock.accept()
            except (BlockingIOError, ConnectionError):
                return
            served.setblocking(False)
            self.served.append(_Served(self.name, served, peer))

    def _datagram(self, sock):
        try:
            data, peer, own, ancillary = receive(sock)
        except OSError:
            # An ICMP error about an earlier answer.
            return
        self.datagrams.append((peer[:2], data))
        try:
            sock.sendmsg([_line(self.name, peer, (own, sock.getsockname()[1])) + data],
                         ancillary, 0, peer)
        except OSError:
            pass


class Connection(net.Closing):
    """A client's TCP connection to such a server."""

    def __init__(self, ns, address, port, source=None, source_port=0, timeout=5):
        self.sock = ns.socket(net.family_of(address), socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self._buffer = b""
        try:
            if source or source_port:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.sock.bind((source or "", source_port))
            self.sock.connect((address, port))
            self.answer = _answer(self._line())
        except BaseException:
            self.sock.close()
            raise
        self.port = self.sock.getsockname()[1]
        self.address = self.sock.getsockname()[0]

    def _line(self):
        while b"\n" not in self._buffer:
            data = self.sock.recv(4096)
            if not data:
                raise ConnectionResetError(errno.ECONNRESET, "closed before an answer")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def echo(self, data):
        """Sends and gets the same back, byte for byte."""
        self.sock.sendall(data)
        got = bytearray()
        while len(got) < len(data):
            part = self.sock.recv(1 << 16)
            if not part:
                return False
            got += part
        return got == data

    def goes_on(self):
        """Whether it is still the connection that it was."""
        try:
            return self.echo(b"still here" * 100)
        except OSError:
            return False

    def fate(self, seconds=5.0):
        """What happens to a client that only waits for data."""
        self.sock.settimeout(seconds)
        try:
            return "data" if self.sock.recv(4096) else "closed"
        except socket.timeout:
            return "silence"
        except ConnectionResetError:
            return "reset"

    def fate_when_talking(self, seconds=5.0):
        """What happens to a client that keeps on sending."""
        self.sock.settimeout(0.1)

        def talk():
            try:
                self.sock.send(b"still there?")
                return "data" if self.sock.recv(4096) else "closed"
            except socket.timeout:
                return None
            except (ConnectionResetError, BrokenPipeError):
                return "reset"
        return wait.until(talk, seconds) or "silence"

    def fate_when_told(self, seconds=5.0):
        """What happens to a client that only waits; without state nobody knows that it does, and it speaks."""
        return (self.fate if module.ENGINE == "tracked" else self.fate_when_talking)(seconds)

    def close(self):
        self.sock.close()


class Flow(net.Closing):
    """A client's UDP socket, connected."""

    # The kernel may choose the port of a flow that connection tracking still knows: a new one would not count.
    _ports = itertools.count(10000)

    def __init__(self, ns, address, port, source=None, source_port=0):
        if ns.name == "internet" and not source_port:
            source_port = next(self._ports)
        self.sock = ns.socket(net.family_of(address), socket.SOCK_DGRAM)
        if source or source_port:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.bind((source or "", source_port))
        self.sock.connect((address, port))
        self.address, self.port = self.sock.getsockname()[:2]

    def ask(self, payload=b"?", timeout=2.0):
        self.sock.settimeout(timeout)
        self.sock.send(payload)
        data = self.sock.recv(1 << 16)
        line, echo = data.split(b"\n", 1)
        if echo != payload:
            raise RuntimeError("the datagram came back changed")
        return _answer(line)

    def close(self):
        self.sock.close()


@contextlib.contextmanager
def without_resets(*spaces):
    """Resets to those namespaces are lost."""
    for ns in spaces:
        ns.nft("table inet deaf { chain c { type filter hook input priority -300; tcp flags & rst == rst drop; }; }")
    try:
        yield
    finally:
        for ns in spaces:
            ns.nft("delete table inet deaf")


def _described(function):
    try:
        answer = function()
    except ConnectionRefusedError:
        return "refused"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    except TimeoutError:
        return "silence"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return Seen(answer.server, answer.peer, answer.own_port)


def tcp(ns, address, port, source=None, timeout=5, source_port=0):
    """Who answers there: a Seen, or a word for what happened instead."""
    def ask():
        with Connection(ns, address, port, source, source_port, timeout=timeout) as connection:
            return connection.answer
    return _described(ask)


def udp(ns, address, port, source=None, payload=b"?", timeout=2):
    def ask():
        with Flow(ns, address, port, source) as flow:
            return flow.ask(payload, timeout)
    return _described(ask)


def ask(protocol, *args, **options):
    return {"tcp": tcp, "udp": udp}[protocol](*args, **options)
