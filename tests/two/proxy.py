"""What either of the two proxies does in its own machine."""

import os
import pathlib
import signal
import subprocess

from lib import module, net

CONF = pathlib.Path("/etc/keepalived/keepalived.conf")
LOG = pathlib.Path("/run/keepalived.log")
# VLANs on the cable.
SEGMENTS = {10: "eth0", 20: "eth1"}

_keepalived = None


def prepare(addresses, gateways):
    """addresses: {interface: its addresses}; gateways: {IP version: the default gateway}"""
    module.prepare()
    net.HOME.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                    ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0)
    for interface, own in addresses.items():
        net.HOME.ip("".join(f"addr add {address} dev {interface}\n" for address in own) + f"link set {interface} up\n")
    net.HOME.ip("".join(f"route add default via {gateway}\n" for gateway in gateways.values()))


def by_the_cable():
    """The second machine's interfaces."""
    net.HOME.ip("".join(f"link add link cable name {name} type vlan id {vlan}\n" for vlan, name in SEGMENTS.items()))


def unload():
    if module.loaded():
        module.unload()


def start(conf):
    """keepalived, with that configuration."""
    global _keepalived
    CONF.parent.mkdir(exist_ok=True)
    CONF.write_text(conf, encoding="ascii")
    with LOG.open("w", encoding="utf-8") as log:
        _keepalived = subprocess.Popen(["keepalived", "--dont-fork", "--log-console", "--log-detail"], stdout=log,
                                       stderr=log, start_new_session=True)


def stop():
    """A planned end: keepalived gives the addresses up and tells the other proxy."""
    global _keepalived
    if _keepalived:
        _keepalived.terminate()
        _keepalived.wait(30)
        _keepalived = None


def kill():
    """As in a crash: the other proxy is not told, and the addresses stay."""
    global _keepalived
    # The parent would restart its children.
    os.kill(_keepalived.pid, signal.SIGSTOP)
    os.killpg(_keepalived.pid, signal.SIGKILL)
    _keepalived.wait(30)
    _keepalived = None


def said():
    """The end of keepalived's log."""
    return LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]


def is_backup():
    return "Entering BACKUP STATE" in LOG.read_text(encoding="utf-8", errors="replace")


def holds(addresses):
    """How many of these addresses are this machine's."""
    return sum(bool(net.HOME.run("ip", "-oneline", "addr", "show", "to", address)) for address in addresses)


def drop(addresses):
    for interface in SEGMENTS.values():
        for address in addresses:
            net.HOME.run("ip", "addr", "flush", "dev", interface, "to", address)
