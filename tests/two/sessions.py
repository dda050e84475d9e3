"""Many open sessions between clients and a relay: some are busy, some are idle."""

import collections
import selectors
import threading
import time

from lib import traffic, wait

# How often a busy session sends a line.
PERIOD = 0.25
LINE = b"* 4096 EXISTS\r\n"

# Which end sends, and whether it does all the time or only in used().
Kind = collections.namedtuple("Kind", "speaker busy")
KINDS = [Kind(speaker, busy) for speaker in ("client", "relay") for busy in (True, False)]


class _Session:
    def __init__(self, kind, connection, served):
        self.kind, self.connection, self.served = kind, connection, served
        self.fate = "open"
        self.awake = kind.busy
        # The current line: the bytes that the client has not received yet, and when it was sent.
        self._owed = 0
        self._begun = 0.0
        # The last line that arrived: when it was sent. Of all lines the longest time.
        self.through = 0.0
        self.took = 0.0

    def act(self, now):
        """Sends the next line if the last one has arrived."""
        if self.fate != "open" or self._owed or not self.awake or now < self._begun + PERIOD:
            return
        self._owed, self._begun = len(LINE), now
        try:
            if self.kind.speaker == "client":
                self.connection.sock.send(LINE)
            elif self.served.state == "open":
                self.served.push(LINE)
            else:
                self.fate = f"relay: {self.served.state}"
        except OSError as error:
            self.fate = f"{self.kind.speaker}: {error.strerror}"

    def ready(self, now):
        try:
            data = self.connection.sock.recv(4096)
        except BlockingIOError:
            return
        except OSError as error:
            self.fate = f"client: {error.strerror}"
            return
        if not data:
            self.fate = "client: closed"
            return
        self._owed -= len(data)
        if not self._owed:
            self.through, self.took = self._begun, max(self.took, now - self._begun)


class Sessions(threading.Thread):
    """The clients' ends of COUNT sessions, as many of each kind; the relay's ends are those of traffic.Host."""

    def __init__(self, clients, relay, port, count, ends):
        """ENDS: (address of the client, address of the service), which the sessions take in turn."""
        super().__init__(daemon=True)
        self._selector = selectors.DefaultSelector()
        self._done = threading.Event()
        self.all = []
        for number in range(count):
            source, address = ends[number % len(ends)]
            connection = traffic.Connection(clients, address, port, source, timeout=30)
            served = wait.until(lambda ends=(connection.address, connection.port): relay.connection(*ends))
            session = _Session(KINDS[number // len(ends) % len(KINDS)], connection, served)
            connection.sock.setblocking(False)
            self._selector.register(connection.sock, selectors.EVENT_READ, session)
            self.all.append(session)
        self.start()

    def run(self):
        while not self._done.is_set():
            for key, _ in self._selector.select(PERIOD / 10):
                key.data.ready(time.monotonic())
                if key.data.fate != "open":
                    self._selector.unregister(key.fileobj)
            for session in self.all:
                session.act(time.monotonic())

    def used(self, seconds=60):
        """Sends a new line in each session, idle ones too, and returns the sessions in which it arrives."""
        since = time.monotonic()
        for session in self.all:
            session.awake = True
        wait.until(lambda: all(session.fate != "open" or session.through >= since for session in self.all), seconds, 0.1)
        for session in self.all:
            session.awake = session.kind.busy
        return [session for session in self.all if session.fate == "open" and session.through >= since]

    def longest(self):
        """The longest time that a line took to arrive, since the last call."""
        took = max(session.took for session in self.all)
        for session in self.all:
            session.took = 0.0
        return took

    def fates(self):
        """How many sessions of each kind are open or have ended, and how."""
        return dict(collections.Counter(
            f"{'busy' if session.kind.busy else 'idle'}, {session.kind.speaker} speaks: {session.fate}" for session in self.all))

    def close(self):
        self._done.set()
        self.join()
        for session in self.all:
            session.connection.close()
