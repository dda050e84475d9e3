#!/usr/bin/python3
"""
Two machines in one test: the second one runs this file and calls the functions that the first one asks for.

They talk over the cable, untagged. The test may use VLANs on it for its own traffic.
"""

import multiprocessing.connection
import os
import sys
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../e2e"]
# pylint: disable=wrong-import-position
from lib import net, wait

CARD = "cable"
FIRST, SECOND = "169.254.0.1", "169.254.0.2"
PORT = 99


def card(address):
    """Sets this machine's network card up. The two cards come with the same MAC address."""
    net.HOME.run("modprobe", "-a", "virtio_net", "8021q")
    net.HOME.ip(f"link set eth0 name {CARD} address 02:00:00:00:00:{address.rsplit('.')[-1].zfill(2)}\n"
                f"link set {CARD} up\n"
                f"addr add {address}/30 dev {CARD}\n")


class Peer(net.Closing):
    """The second machine."""

    def __init__(self):
        card(FIRST)
        self._link = wait.until(self._dial, 60, 0.1)
        if not self._link:
            raise RuntimeError("the second machine does not answer")

    @staticmethod
    def _dial():
        try:
            return multiprocessing.connection.Client((SECOND, PORT))
        except OSError:
            return None

    def __call__(self, function, *arguments, **options):
        """Calls a function of a module in the second machine."""
        self._link.send((function, arguments, options))
        done, result = self._link.recv()
        if not done:
            raise RuntimeError(f"on the second machine: {result}")
        return result

    def close(self):
        """Ends the second machine's command."""
        self._link.close()


def here(function, *arguments, **options):
    """The same in this machine."""
    return function(*arguments, **options)


def _serve():
    card(SECOND)
    with multiprocessing.connection.Listener((SECOND, PORT)) as listener, listener.accept() as link:
        while True:
            try:
                function, arguments, options = link.recv()
            except EOFError:
                return
            try:
                link.send((True, function(*arguments, **options)))
            except Exception:  # pylint: disable=broad-except
                link.send((False, traceback.format_exc()))


if __name__ == "__main__":
    _serve()
