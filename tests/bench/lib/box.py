"""
The proxy, on dummy devices, which receive what is injected and drop what they send.

    clients ─── eth0 [ proxy ] wg0 ─ relays
    198.51.100.10       203.0.113.1 ...        10.9.0.2 ...
    2001:db8:2::10      2001:db8:1::1 ...      fd00:9::2 ...

A relay with a public address is behind eth0 as well: 192.0.2.10, 2001:db8:3::10.
"""

import dataclasses
import pathlib
import subprocess

FAMILIES = ("ipv4", "ipv6")
CLIENT = {"ipv4": "198.51.100.10", "ipv6": "2001:db8:2::10"}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Where the relay is, and what its clients speak."""
    title: str
    public: bool = False
    proto: int = 6
    port: int = 993

    @property
    def inner(self):
        """The device that leads to the relay."""
        return "eth0" if self.public else "wg0"

    def relay(self, family, n=0):
        if self.public:
            return "192.0.2.10" if family == "ipv4" else "2001:db8:3::10"
        return relay_of(family, n)


TUNNEL = "tunnel-tcp"
SCENARIOS = {
    TUNNEL: Scenario("TCP to a relay behind a tunnel"),
    "tunnel-udp": Scenario("UDP to a relay behind a tunnel", proto=17, port=3478),
    "public-tcp": Scenario("TCP to a relay with a public address", public=True),
    "public-udp": Scenario("UDP to a relay with a public address", public=True, proto=17, port=3478),
}


def own(family, relay=0):
    return f"203.0.113.{relay + 1}" if family == "ipv4" else f"2001:db8:1::{relay + 1:x}"


def relay_of(family, relay=0):
    return f"10.9.0.{relay + 2}" if family == "ipv4" else f"fd00:9::{relay + 2:x}"


def run(*command, stdin=None):
    done = subprocess.run(command, input=stdin, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def sysctl(name, value):
    pathlib.Path("/proc/sys", name).write_text(f"{value}\n", encoding="ascii")


def mac(device):
    return bytes.fromhex(pathlib.Path(f"/sys/class/net/{device}/address").read_text(encoding="ascii").strip().replace(":", ""))


def batch(*lines):
    run("ip", "-batch", "-", stdin="".join(f"{line}\n" for line in lines))


def _prepare(connections):
    # As of a machine with some memory: nothing is dropped to make room, and chains are short.
    run("modprobe", "nf_conntrack", f"hashsize={connections}")
    sysctl("net/ipv6/conf/default/accept_dad", 0)
    sysctl("net/ipv6/conf/default/router_solicitations", 0)
    sysctl("net/ipv4/ip_forward", 1)
    sysctl("net/ipv6/conf/all/forwarding", 1)


def make(relays=1, connections=65536, scenario=SCENARIOS[TUNNEL], gateway=False):
    """On dummy devices. Without a gateway each client is a neighbour."""
    run("modprobe", "dummy", "numdummies=0")
    _prepare(connections)
    # As documented for relays with a public address; a redirect would count as a packet.
    sysctl("net/ipv4/conf/all/send_redirects", 0)
    sysctl("net/ipv4/conf/default/send_redirects", 0)
    batch("link add eth0 type dummy")
    for n in range(relays):
        batch(f"addr add {own('ipv4', n)}/24 dev eth0", f"addr add {own('ipv6', n)}/64 dev eth0 nodad")
    batch("link set eth0 up")
    if not scenario.public:
        batch("link add wg0 type dummy", "addr add 10.9.0.1/24 dev wg0", "addr add fd00:9::1/64 dev wg0 nodad",
              "link set wg0 up")
    # What is sent to a link-local gateway back out of the device has a redirect sent, whatever the settings.
    via = (" via 203.0.113.254", " via 2001:db8:1::fe") if gateway or scenario.public else ("", "")
    batch(f"route add 0.0.0.0/0{via[0]} dev eth0", f"route add ::/0{via[1]} dev eth0")


def make_veth():
    """Between namespaces with sockets in them, over IPv4."""
    _prepare(65536)
    batch("netns add client", "netns add relay",
          "link add eth0 type veth peer name eth0 netns client",
          "link add wg0 type veth peer name eth0 netns relay",
          "addr add 203.0.113.1/24 dev eth0", "addr add 10.9.0.1/24 dev wg0",
          "link set eth0 up", "link set wg0 up")
    for space, address, gateway in (("client", "203.0.113.254", "203.0.113.1"), ("relay", "10.9.0.2", "10.9.0.1")):
        run("ip", "-n", space, "-batch", "-",
            stdin=f"addr add {address}/24 dev eth0\nlink set eth0 up\nroute add default via {gateway}\n")
