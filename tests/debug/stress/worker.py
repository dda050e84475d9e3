"""Processes that work while they are told to, and report what they saw."""

import multiprocessing
import os
import random
import signal
import time
import traceback

_fork = multiprocessing.get_context("fork")
# A worker that says nothing for so long hangs, in a system call most likely.
LIMIT = 60
_QUIT = -1


def now():
    return time.monotonic_ns()


class Stuck(Exception):
    pass


class Worker:
    """A process; begin() has it work until end(), which returns its report."""

    name = "worker"

    def __init__(self, seed):
        self.random = random.Random(f"{seed} {self.name}")
        self._conn, self._theirs = _fork.Pipe()
        self._process = None

    def start(self):
        self._process = _fork.Process(target=self._run, daemon=True)
        self._process.start()
        self._theirs.close()

    def begin(self, phase):
        self._conn.send(phase)

    def end(self):
        self._conn.send(None)
        if not self._conn.poll(LIMIT):
            raise Stuck(f"{self.name} does not come back: {self._where()}")
        report = self._conn.recv()
        if isinstance(report, str):
            raise RuntimeError(f"{self.name}: {report}")
        return report

    def quit(self):
        self._conn.send(_QUIT)
        self._process.join(LIMIT)
        if self._process.is_alive():
            raise Stuck(f"{self.name} does not end: {self._where()}")

    def _where(self):
        try:
            with open(f"/proc/{self._process.pid}/stack", encoding="ascii") as file:
                return file.read()
        except OSError as error:
            return str(error)

    def _run(self):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        status = 1
        try:
            while (phase := self._theirs.recv()) != _QUIT:
                try:
                    report = self.work(phase)
                except Exception:  # pylint: disable=broad-except
                    report = traceback.format_exc()
                # The word to stop that work() saw, or did not wait for.
                self._theirs.recv()
                self._theirs.send(report)
            status = 0
        finally:
            os._exit(status)

    def stopped(self, seconds=0.0):
        """Whether the work is to end, now or within that time."""
        return self._theirs.poll(max(seconds, 0))

    def fileno(self):
        return self._theirs.fileno()

    def work(self, phase):
        """Until stopped(); returns the report, which is not text."""
        raise NotImplementedError
