"""
A relay on a line at home, 100.64.0.2, without a public address, and a proxy that does not forward
yet. To the standard topology:

    internet ── 100.64.0.1 ── 100.64.0.2 home [ relay ]
                               2001:db8:64::2

The internet has a mail server, a web server and a name server.
"""

import socket

import guide
from lib import net, sniff, tap, topo, traffic
from lib.topo import CLIENT, HOME, INTERNET, PORTS, PROXY
from lib.traffic import Connection, Seen

HOME_LINE = {"ipv4": "100.64.0.2", "ipv6": "2001:db8:64::2"}
LAN = {"ipv4": "100.64.0.1", "ipv6": "2001:db8:64::1"}
WIREGUARD = (PROXY["ipv4"], socket.IPPROTO_UDP, 51820)
# Neighbours and routers on the link itself.
ON_LINK = range(133, 138)


class Place:
    def __init__(self, *more):
        self.topology = topo.Topology(relays=more)
        self.internet = self.topology.internet
        self.relay, = net.create("home")
        self.relay.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0,
                          ipv4__conf__all__rp_filter=1, ipv4__conf__default__rp_filter=1)
        self.internet.ip(
            "link add to_home type veth peer name eth0 netns home\n"
            "addr add 100.64.0.1/24 dev to_home\n"
            "addr add 2001:db8:64::1/64 dev to_home nodad\n"
            "link set to_home up\n")
        self.relay.ip(
            "link set lo up\n"
            "addr add 100.64.0.2/24 dev eth0\n"
            "addr add 2001:db8:64::2/64 dev eth0 nodad\n"
            "link set eth0 up\n"
            "route add default via 100.64.0.1\n"
            "-6 route add default via 2001:db8:64::1\n")
        # All of this is left to the guide.
        for ns in (HOME, getattr(self.topology, "public", None)):
            if ns:
                ns.sysctl(ipv4__ip_forward=0, ipv6__conf__all__forwarding=0)
        self.servers = traffic.Host("relay", self.relay).tcp(*PORTS)
        self.server = traffic.Host("internet", self.internet).tcp(25, 80, 443).udp(53)
        self.own = traffic.Host("proxy", HOME).tcp(22, 8080)
        self.play = guide.Play(proxy=HOME, relay=self.relay, client=self.internet)
        self.line = sniff.Sniffer(self.internet, "to_home")

    def serves(self, what, proxy=PROXY):
        """What a relay behind a proxy is for."""
        for version in topo.IP_VERSIONS:
            for port in PORTS:
                tap.equal(traffic.tcp(self.internet, proxy[version], port, CLIENT[version]),
                          Seen("relay", CLIENT[version], port), f"{what}: {version} {port} reaches the relay, which sees its client")
            with Connection(self.internet, proxy[version], 993, CLIENT[version], timeout=20) as connection:
                tap.ok(connection.echo(b"mail" * 50000), f"{what}: {version} 200 kB there and back")
            self.sends(what, proxy, version)

    def sends(self, what, proxy, version):
        """Mail, to 443 first, updates, and questions to a name server."""
        for port in (443, 25, 80):
            tap.equal(traffic.tcp(self.relay, INTERNET[version], port), Seen("internet", proxy[version], port),
                      f"{what}: {version} what the relay sends to {port} comes from the proxy's address")
        tap.equal(traffic.udp(self.relay, INTERNET[version], 53), Seen("internet", proxy[version], 53),
                  f"{what}: {version} a name server is asked from the proxy's address")

    def hidden(self, what, *ends):
        """
        Since the last look the line at home sent nothing but packets of tunnels to those ends (address, protocol, port), and
        to its own LAN.
        """
        seen = {packet for packet in self.line.packets("in")
                if not (packet.dst in LAN.values() or packet.dst.startswith("ff02:")
                        or packet.icmp and packet.icmp[0] in ON_LINK and packet.proto == socket.IPPROTO_ICMPV6)}
        carried = {packet for packet in seen if (packet.dst, packet.proto, packet.dport) in ends}
        tap.equal(sorted(seen - carried, key=str), [], f"{what}: nobody but the proxy sees the line at home")
        tap.equal(bool(carried), bool(ends), f"{what}: the line carries the tunnel, and nothing without one")
        self.line.forget()

    def guarded(self, what):
        for version in topo.IP_VERSIONS:
            tap.equal(traffic.tcp(self.internet, PROXY[version], 22, CLIENT[version]),
                      Seen("proxy", CLIENT[version], 22), f"{what}: {version} SSH is the proxy's own")
            tap.equal(traffic.tcp(self.internet, PROXY[version], 8080, CLIENT[version], timeout=1), "silence",
                      f"{what}: {version} nothing else is")
            self.internet.run("ping", "-c", "1", "-W", "5", PROXY[version])
        tap.equal(traffic.tcp(HOME, "127.0.0.1", 8080), Seen("proxy", "127.0.0.1", 8080), f"{what}: loopback is free")

    def refused(self, what):
        for version in topo.IP_VERSIONS:
            # Refused by the proxy: through the default route the answer would be that the host is unreachable.
            tap.equal(traffic.tcp(self.internet, PROXY[version], 993, CLIENT[version], timeout=5), "refused",
                      f"{what}: {version} a client is refused at once")
