"""Network namespaces: one process opens sockets in all of them."""

import ctypes
import os
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_thread = threading.local()
_created = []
# States in which a FIN is sent again until it is acknowledged, by their numbers in /proc/net/tcp.
_CLOSING = {"04": "fin-wait-1", "09": "last-ack", "0B": "closing"}


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


class Closing:
    """`with` closes it."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        raise NotImplementedError


class Namespace:
    """`with ns:` makes the calling thread, and what it starts, live in there."""

    def __init__(self, path, name):
        self.name = name
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self):
        stack = _thread.__dict__.setdefault("stack", [HOME.fd])
        stack.append(self.fd)
        _setns(self.fd)
        return self

    def __exit__(self, *_):
        _thread.stack.pop()
        _setns(_thread.stack[-1])

    def ip(self, commands, force=False):
        """
        Runs an `ip -batch` script in here; "-6" marks lines that only a kernel with IPv6 understands, and that tell their
        family by an address. With force the others are run whatever becomes of one.
        """
        ipv6 = have_ipv6()
        commands = "".join(line.removeprefix("-6 ") + "\n" for line in commands.splitlines()
                           if ipv6 or not line.startswith("-6 "))
        with self:
            done = subprocess.run(["ip", *(["-force"] if force else []), "-batch", "-"], input=commands, text=True,
                                  capture_output=True, check=False)
        if done.returncode and not force:
            raise RuntimeError(f"ip in {self.name}: {done.stderr.strip()}")

    def ip_of(self, version, *words):
        """One `ip` command that has to be told its family, as those about rules have."""
        return self.run("ip", {"ipv4": "-4", "ipv6": "-6"}[version], *words)

    def nft(self, script):
        with self:
            done = subprocess.run(["nft", "-f", "-"], input=script, text=True,
                                  capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"nft in {self.name}: {done.stderr.strip()}")

    def run(self, *command):
        with self:
            done = subprocess.run(command, text=True, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} in {self.name}: {done.stderr.strip()}")
        return done.stdout

    def sysctl(self, **settings):
        """net.ipv4.ip_forward=1 is spelt ipv4__ip_forward=1."""
        with self:
            for name, value in settings.items():
                path = "/proc/sys/net/" + name.replace("__", "/")
                try:
                    with open(path, "w", encoding="ascii") as file:
                        file.write(str(value))
                except FileNotFoundError:
                    # ipv6.disable=1 leaves no such settings.
                    if not name.startswith("ipv6__"):
                        raise

    def socket(self, family, kind, protocol=0):
        with self:
            return socket.socket(family, kind, protocol)


HOME = Namespace("/proc/thread-self/ns/net", "proxy")


def create(*names):
    """Namespaces that live until destroy()."""
    HOME.ip("".join(f"netns add {name}\n" for name in names))
    created = [Namespace(f"/run/netns/{name}", name) for name in names]
    _created.extend(created)
    return created


def destroy():
    if _created:
        HOME.ip("".join(f"netns del {ns.name}\n" for ns in _created))
        _created.clear()


def _is_closing(table):
    try:
        with open(f"/proc/thread-self/net/{table}", encoding="ascii") as file:
            return any(line.split()[3] in _CLOSING for line in file.readlines()[1:])
    except FileNotFoundError:
        return False


def forget_closing():
    """Forgets connections of which a FIN has not arrived, so that no test gets those of an earlier one."""
    for ns in (HOME, *_created):
        with ns:
            if _is_closing("tcp") or _is_closing("tcp6"):
                # The debug kernel cannot.
                subprocess.run(["ss", "-KHt", *(word for state in _CLOSING.values() for word in ("state", state))],
                               capture_output=True, check=False)


def exists(interface):
    return os.path.exists(f"/proc/sys/net/ipv4/conf/{interface}")


def have_ipv6():
    return os.path.exists("/proc/net/if_inet6")


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET
