"""Who is where: the addresses of tests/e2e/lib/topo.py, and some more behind the same interfaces."""

from lib.topo import OTHER, OWN, PROXY, PROXY2, PROXY3, PUBLIC, RELAY, TRANSIT

# Configurations name these at times.
SECOND = {"ipv4": "10.9.0.3", "ipv6": "fd00:9::3"}
RELAYS = (RELAY, SECOND, OTHER, PUBLIC)
# Nobody ever names these, next to those that are.
NEVER = {"relay": {"ipv4": "10.9.0.4", "ipv6": "fd00:9::4"}, "other": {"ipv4": "10.9.1.3", "ipv6": "fd00:9:1::3"},
         "public": {"ipv4": "192.0.2.11", "ipv6": "2001:db8:3::11"}}
# Only another table names this one, for a port that is never one of the module's.
THEIRS = {"ipv4": "10.9.1.9", "ipv6": "fd00:9:1::9"}
THEIR_PORT = 8080

TCP_PORTS = (22, 25, 143, 993, 2005)
UDP_PORTS = (3478, 5349, 50005)

# The second link to the internet.
NET4, NET6 = "198.18.0", "2001:db8:6:"
PROXY_ON_2 = {"ipv4": f"{NET4}.1", "ipv6": f"{NET6}:1"}
# What clients call. TRANSIT is a host of its own, which scope=any makes the relay's.
DIALED = (PROXY, PROXY, PROXY2, PROXY3, PROXY_ON_2, TRANSIT)
VERSIONS = ("ipv4", "ipv6")

MORE = {"relay": ("wg0", (SECOND, NEVER["relay"])), "other": ("wg0", (NEVER["other"], THEIRS)),
        "public": ("eth0", (NEVER["public"],))}


def settle_in(ns):
    """A host's other addresses; checksums are what leaves, not what a device would make of them."""
    device, more = MORE[ns.name]
    # Nobody acknowledges the end of a connection behind an unload: it would go on for minutes, and its namespace.
    ns.sysctl(ipv4__tcp_orphan_retries=1, ipv4__tcp_fin_timeout=2)
    ns.ip("".join(f"addr replace {places['ipv4']}/24 dev {device}\n-6 addr replace {places['ipv6']}/64 dev {device} nodad\n"
                  for places in more))
    ns.run("ethtool", "-K", device, "tx", "off")


def count_never(ns):
    """Has the kernel count each packet to whom nobody names."""
    never = NEVER[ns.name]
    rules = [f"ip daddr {never['ipv4']} meta l4proto {proto} counter" for proto in ("tcp", "udp", "icmp")]
    rules += [f"ip6 daddr {never['ipv6']} meta l4proto {proto} counter" for proto in ("tcp", "udp")]
    ns.nft(f"table inet never {{ chain c {{ type filter hook prerouting priority -400; {'; '.join(rules)}; }}; }}")


def counted_never(ns):
    """The packets to whom nobody names."""
    words = ns.run("nft", "list", "table", "inet", "never").split()
    return sum(int(words[i + 1]) for i, word in enumerate(words) if word == "packets")


def first_wan(name="eth0"):
    """The commands that give the first link its addresses and routes once more."""
    return ("".join(f"addr replace 203.0.113.{n}/24 dev {name}\n"
                    f"-6 addr replace 2001:db8:1::{OWN[-1 - i]}/64 dev {name} nodad\n"
                    for i, n in enumerate(OWN)) +
            f"link set {name} up\nroute replace default via 203.0.113.254\n-6 route replace default via 2001:db8:1::fe\n")


def tunnel(name):
    """The same for the tunnel to other, or the one to relay."""
    if name == "wg0":
        return "link set wg0 up\naddr replace 10.9.0.1/24 dev wg0\n-6 addr replace fd00:9::1/64 dev wg0 nodad\n"
    return (f"link set {name} up\naddr replace 10.9.1.1/24 dev {name}\n-6 addr replace fd00:9:1::1/64 dev {name} nodad\n"
            "route replace 192.0.2.200/32 via 10.9.1.2\n-6 route replace 2001:db8:4::/64 via fd00:9:1::2\n")


