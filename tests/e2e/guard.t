#!/usr/bin/python3
"""What the guard lets in by a WAN interface: TCP, UDP and other protocols, forwarded and to the host itself."""

import itertools
import os
import pathlib
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, mroute, net, tap, topo, traffic, wait, wire
from lib.craft import ACK, FIN, RST, SYN
from lib.mroute import GROUP, passed
from lib.tally import Cells, Tally, answer_once, source, swallow_answers
from lib.topo import CLIENT, HOME, INTERNET, OTHER, PROXY, PUBLIC, RELAY, SETTING, TRANSIT, TUNNEL, TUNNEL2, settings
from lib.traffic import Seen

GUARDED = {"ports": "chatmail,turn", "allow": "ssh,51820/udp"}
IGMP, GRE, OSPF, VRRP, SCTP, UDPLITE, UNASSIGNED = 2, 47, 89, 112, 132, 136, 253
# Whose headers conntrack looks at. Newer kernels know nothing of UDP-Lite.
CHECKED = {SCTP} | ({UDPLITE} if "UDP-Lite" in pathlib.Path("/proc/net/protocols").read_text(encoding="ascii") else set())
# GROUP receives packets from the internet, the other group from inside.
GROUP2 = {"ipv4": "239.1.2.4", "ipv6": "ff05::1235"}

t = link = None


def setup():
    global t, link
    t = topo.Topology()
    for name, ns in (("relay", t.relay), ("other", t.other), ("proxy", HOME), ("internet", t.internet), ("public", t.public)):
        traffic.Host(name, ns).tcp(22, 25, 2222, 8080).udp(53, 2222, 3478, 51820)
    t.route_what_is_behind()
    swallow_answers(t.internet)
    answer_once(t.relay, t.other, t.public)
    link = craft.Link(t.internet)


def versions():
    return topo.ip_versions()


def dropped(counters, version):
    return {name: count for name, count in counters.gained(version).items() if name.startswith("dropped_")}


def counted(counters, version, reasons, what):
    """Packets that sockets send: on a slow machine a SYN may be sent twice, or late. Only crafted packets count exactly."""
    wait.until(lambda: set(dropped(counters, version)) >= reasons)
    tap.equal(set(dropped(counters, version)), reasons, what)


def icmp_error(src, dst, version):
    """About a connection that does not exist."""
    about = craft.udp(dst, src, 7777)
    return craft.icmp(src, dst, 3 if version == "ipv4" else 1, 3 if version == "ipv4" else 4, b"\0" * 4, about)


def forward_cells(version):
    relay, other, transit = RELAY[version], OTHER[version], TRANSIT[version]
    cells = Cells(version)

    def add(name, verdict, make, **more):
        cells.add(name, verdict, make, **more)
    for address, who in ((relay, "relay"), (other, "another host"), (transit, "a routed host")):
        ours = "forwarded" if address == relay else "dropped_forward"
        add(f"tcp 25 to {who}", ours, lambda src, a=address: craft.tcp(src, a, 25))
        add(f"tcp 993 to {who}", ours, lambda src, a=address: craft.tcp(src, a, 993))
        add(f"udp 3478 to {who}", ours, lambda src, a=address: craft.udp(src, a, 3478))
        add(f"echo request to {who}", ours, lambda src, a=address: craft.echo(src, a))
        for port in (22, 24, 26, 3478, 65535):
            add(f"tcp {port} to {who}", "dropped_forward", lambda src, a=address, p=port: craft.tcp(src, a, p))
        for port in (25, 53, 3477, 3479, 51820):
            add(f"udp {port} to {who}", "dropped_forward", lambda src, a=address, p=port: craft.udp(src, a, p))
        for proto in (IGMP, GRE, craft.ESP, SCTP, UDPLITE, UNASSIGNED):
            # Of some connection tracking wants more than zeros.
            want = "dropped_invalid" if proto in CHECKED else "dropped_forward"
            add(f"protocol {proto} to {who}", want, lambda src, a=address, p=proto: craft.ip(src, a, p, b"\0" * 32))
        query = 13 if version == "ipv4" else 139
        add(f"ICMP query {query} to {who}", "dropped_forward",
            lambda src, a=address, q=query: craft.icmp(src, a, q, payload=b"\0" * 12))
        add(f"an ICMP error about nothing known to {who}", "dropped_invalid",
            lambda src, a=address: icmp_error(src, a, version))
        for flags, name in ((SYN | ACK, "SYN-ACK"), (RST, "RST"), (FIN | ACK, "FIN"), (0, "no flag"), (SYN | FIN, "SYN-FIN")):
            if address == relay and flags == FIN | ACK:
                # It passes, but the relay's answer is invalid too, and counted: invalid.t.
                continue
            add(f"{name} out of nothing to {who}",
                "forwarded" if address == relay and flags == RST else "dropped_invalid",
                lambda src, a=address, f=flags: craft.tcp(src, a, 25, f))
    for who, own in (("the proxy", PROXY), ("the proxy's inner address", TUNNEL)):
        # Without state one local address serves, for TCP.
        if own == PROXY or module.ENGINE == "tracked":
            add(f"tcp 25 to {who}", "forwarded", lambda src, o=own: craft.tcp(src, o[version], 25))
        add(f"udp 3478 to {who}", "forwarded", lambda src, o=own: craft.udp(src, o[version], 3478))
    # For a while that of others passes too: guard_sequences.t.
    add("the middle of a TCP connection to the relay", "forwarded", lambda src: craft.tcp(src, relay, 25, ACK))
    add("tcp 24 to another host, in the relay's name", "dropped_forward", lambda src: craft.tcp(src, other, 24), src=relay)
    return cells


def input_cells(version):
    own = PROXY[version]
    cells = Cells(version)

    def add(name, verdict, make, **more):
        cells.add(name, verdict, make, **more)
    add("tcp 22", "entered", lambda src: craft.tcp(src, own, 22))
    add("udp 51820", "entered", lambda src: craft.udp(src, own, 51820))
    add("tcp 22 to the inner address", "entered", lambda src: craft.tcp(src, TUNNEL[version], 22))
    for port in (21, 23, 2222, 3478, 8080, 51820):
        add(f"tcp {port}", "dropped_input", lambda src, p=port: craft.tcp(src, own, p))
    for port in (22, 25, 53, 123, 51819, 51821):
        add(f"udp {port}", "dropped_input", lambda src, p=port: craft.udp(src, own, p))
    for proto in {IGMP, GRE, craft.ESP, UDPLITE, UNASSIGNED} - CHECKED:
        add(f"protocol {proto}", "dropped_input", lambda src, p=proto: craft.ip(src, own, p, b"\0" * 32))
    for proto in CHECKED:
        add(f"protocol {proto}, malformed", "dropped_invalid", lambda src, p=proto: craft.ip(src, own, p, b"\0" * 32))
    add("tcp 2222, in the relay's name", "dropped_input", lambda src: craft.tcp(src, own, 2222), src=RELAY[version])
    add("the middle of an allowed TCP connection", "entered", lambda src: craft.tcp(src, own, 22, ACK))
    add("the middle of another TCP connection", "dropped_input", lambda src: craft.tcp(src, own, 2222, ACK))
    for port in (22, 2222):
        for flags, name in ((SYN | ACK, "SYN-ACK"), (RST, "RST"), (FIN | ACK, "FIN"), (0, "no flag"), (SYN | FIN, "SYN-FIN")):
            add(f"{name} out of nothing to {port}", "dropped_invalid", lambda src, f=flags, p=port: craft.tcp(src, own, p, f))
    bootp(version, add)
    return cells


def bootp(version, add):
    if version == "ipv4":
        for dst in (PROXY[version], "255.255.255.255", "203.0.113.255"):
            add(f"DHCP answer to {dst}", "entered", lambda src, d=dst: craft.udp(src, d, 68, 67))
        add("from the server's port to another", "dropped_input", lambda src: craft.udp(src, PROXY[version], 67, 67))
        add("to the DHCP client from another port", "dropped_input", lambda src: craft.udp(src, PROXY[version], 68, 68))
        add("DHCP's ports over TCP", "dropped_input", lambda src: craft.tcp(src, PROXY[version], 68, sport=67))
        add("broadcast", "dropped_input", lambda src: craft.udp(src, "255.255.255.255", 137, 137))
        add("multicast", "dropped_input", lambda src: craft.udp(src, "224.0.0.1", 5353, 5353))
        return
    add("DHCPv6 answer", "entered", lambda src: craft.udp(src, PROXY[version], 546, 547), link_local=True)
    add("DHCPv6 answer from afar", "dropped_input", lambda src: craft.udp(src, PROXY[version], 546, 547))
    add("from the server's port to another", "dropped_input", lambda src: craft.udp(src, PROXY[version], 547, 547),
        link_local=True)
    add("to the DHCPv6 client from another port", "dropped_input", lambda src: craft.udp(src, PROXY[version], 546, 546),
        link_local=True)
    add("DHCPv4's ports", "dropped_input", lambda src: craft.udp(src, PROXY[version], 68, 67), link_local=True)
    add("multicast", "dropped_input", lambda src: craft.udp(src, "ff02::1", 5353, 5353), link_local=True)


@case.case
def a_loopback_device_is_not_judged():
    """
    Whatever wan says; all else is judged. The first of the cases: where packets made by hand have been, the hosts
    behind send more than one answer, and enter by a WAN interface here.
    """
    module.load(**settings(guard="full", allow="", wan="+"))
    for version in versions():
        counters = module.Counters()
        for address in ("127.0.0.1" if version == "ipv4" else "::1", PROXY[version]):
            tap.equal(traffic.tcp(HOME, address, 2222).server, "proxy", f"{version} wan=+: the host to itself at {address}")
            tap.equal(traffic.udp(HOME, address, 53).server, "proxy", f"{version} wan=+: a stub resolver at {address}")
        tap.equal(traffic.tcp(t.other, TUNNEL2[version], 2222, timeout=0.3), "silence", f"{version} wan=+: a tunnel is judged")
        counted(counters, version, {"dropped_input"}, f"{version} wan=+: and counted")


@case.case
def forwarding():
    for guard in ("forward", "full"):
        module.load(**settings(guard=guard, **GUARDED))
        with Tally() as tally:
            for version in versions():
                tally.judge(link, version, forward_cells(version).cells, f"guard={guard}: forwarded")
        module.unload()


@case.case
def what_enters_the_host():
    module.load(**settings(guard="full", **GUARDED))
    with Tally() as tally:
        for version in versions():
            tally.judge(link, version, input_cells(version).cells, "guard=full: for the host itself")


@case.case
def other_guards_leave_the_host_alone():
    for guard in ("off", "forward"):
        module.load(**settings(guard=guard, **GUARDED))
        with Tally() as tally:
            for version in versions():
                cells = [(name, src, packet, "entered") for name, src, packet, _ in input_cells(version).cells]
                tally.judge(link, version, cells, f"guard={guard}: all enter the host")
        module.unload()


@case.case
def an_empty_allow():
    module.load(**settings(guard="full", allow=""))
    with Tally() as tally:
        for version in versions():
            cells = Cells(version)
            for port in (22, 2222):
                cells.add(f"tcp {port}", "dropped_input", lambda src, p=port, v=version: craft.tcp(src, PROXY[v], p))
            cells.add("udp 51820", "dropped_input", lambda src, v=version: craft.udp(src, PROXY[v], 51820))
            cells.add("echo request", "entered", lambda src, v=version: craft.echo(src, PROXY[v]))
            cells.add("tcp 25", "forwarded", lambda src, v=version: craft.tcp(src, PROXY[v], 25))
            tally.judge(link, version, cells.cells, "an empty allow")
    module.set("allow", "2222,53/udp")
    for version in versions():
        for protocol, port in (("tcp", 2222), ("udp", 53)):
            tap.equal(traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version]),
                      Seen("proxy", CLIENT[version], port), f"{version} {protocol} {port}: in once allowed")
        tap.equal(traffic.tcp(t.internet, PROXY[version], 22, CLIENT[version], timeout=0.3), "silence",
                  f"{version} tcp 22: out once not")


@case.case
def what_is_not_tracked():
    HOME.nft("table inet chatdnat_test { chain raw { type filter hook prerouting priority -300;"
             ' iifname "eth0" notrack; }; }')
    try:
        module.load(**settings(guard="full", **GUARDED))
        with Tally() as tally:
            for version in versions():
                own, relay, cells = PROXY[version], RELAY[version], Cells(version)

                def add(name, verdict, make, cells=cells, **more):
                    cells.add(name, verdict, make, **more)
                add("tcp 22", "entered", lambda src, o=own: craft.tcp(src, o, 22))
                add("udp 51820", "entered", lambda src, o=own: craft.udp(src, o, 51820))
                add("the middle of an allowed connection", "entered", lambda src, o=own: craft.tcp(src, o, 22, ACK))
                add("tcp 2222", "dropped_invalid", lambda src, o=own: craft.tcp(src, o, 2222))
                add("the middle of another", "dropped_invalid", lambda src, o=own: craft.tcp(src, o, 2222, ACK))
                add("udp 53", "dropped_invalid", lambda src, o=own: craft.udp(src, o, 53))
                add("GRE", "dropped_invalid", lambda src, o=own: craft.ip(src, o, GRE, b"\0" * 16))
                add("echo request", "entered", lambda src, o=own: craft.echo(src, o))
                for name, make in (("tcp 25", lambda src, r=relay: craft.tcp(src, r, 25)),
                                   ("udp 3478", lambda src, r=relay: craft.udp(src, r, 3478)),
                                   ("an echo request", lambda src, r=relay: craft.echo(src, r)),
                                   ("the middle of a connection", lambda src, r=relay: craft.tcp(src, r, 25, ACK)),
                                   ("an ICMP error", lambda src, r=relay, v=version: icmp_error(src, r, v))):
                    add(f"{name} to the relay", "dropped_invalid", make)
                if version == "ipv4":
                    add("DHCP answer", "entered", lambda src: craft.udp(src, "255.255.255.255", 68, 67))
                else:
                    add("DHCPv6 answer", "entered", lambda src, o=own: craft.udp(src, o, 546, 547), link_local=True)
                tally.judge(link, version, cells.cells, "untracked")
    finally:
        HOME.nft("delete table inet chatdnat_test")


class Listening:
    """A raw socket of this host for a protocol, in a group on eth0: what arrives."""

    def __init__(self, version, protocol, group):
        family = net.family_of(group)
        self.sock = HOME.socket(family, socket.SOCK_RAW, protocol)
        index = struct.pack("=I", socket.if_nametoindex("eth0"))
        if version == "ipv4":
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, craft.packed(group) + bytes(4) + index)
        else:
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, craft.packed(group) + index)
        self.sock.setblocking(False)

    def heard(self, payload):
        try:
            return self.sock.recv(2000).endswith(payload)
        except BlockingIOError:
            return False


@case.case
def protocols():
    """VRRP advertisements are sent to a group; the other protocols are allowed by name or number."""
    groups = {"ipv4": "224.0.0.18", "ipv6": "ff02::12"}
    module.load(**settings(guard="full", allow="ssh"))
    for version in versions():
        number = 0
        listening = {each: Listening(version, each, groups[version]) for each in (VRRP, OSPF, UNASSIGNED)}
        for allow, passing in (("ssh", set()), ("ssh,vrrp", {VRRP}), (f"ospf,{UNASSIGNED}/ip", {OSPF, UNASSIGNED}),
                               ("112/udp,112", set())):
            module.set("allow", allow)
            for protocol, to in itertools.product(listening, (groups[version], PROXY[version])):
                number += 1
                payload, counters = f"advertisement {number}".encode(), module.Counters()
                link.send(craft.ip(source(version, number, link_local=to != PROXY[version]), to, protocol, payload, ttl=255))
                got = wait.until(lambda: listening[protocol].heard(payload) or dropped(counters, version))  # pylint: disable=W0640
                tap.equal(got, True if protocol in passing else {"dropped_input": 1},
                          f"{version} allow={allow}: protocol {protocol} to {to}")
        for each in listening.values():
            each.sock.close()
    HOME.nft("table inet chatdnat_test { chain raw { type filter hook prerouting priority -300;"
             ' iifname "eth0" notrack; }; }')
    try:
        module.set("allow", "gre")
        with Tally() as tally:
            for version in versions():
                cells = Cells(version)
                for protocol, verdict in ((GRE, "entered"), (UNASSIGNED, "dropped_invalid")):
                    cells.add(f"protocol {protocol}", verdict,
                              lambda src, p=protocol, v=version: craft.ip(src, PROXY[v], p, b"\0" * 16))
                for dst in (RELAY, OTHER):
                    cells.add(f"GRE to {dst[version]}", "dropped_invalid",
                              lambda src, d=dst, v=version: craft.ip(src, d[v], GRE, b"\0" * 16))
                tally.judge(link, version, cells.cells, "untracked, allow=gre")
    finally:
        HOME.nft("delete table inet chatdnat_test")
    with Tally() as tally:
        for version in versions():
            cells = Cells(version)
            for dst in (RELAY, OTHER):
                cells.add(f"GRE to {dst[version]}", "dropped_forward",
                          lambda src, d=dst, v=version: craft.ip(src, d[v], GRE, b"\0" * 16))
            tally.judge(link, version, cells.cells, "allow=gre: not forwarded")


@case.case
def what_this_host_sends_to_a_group():
    """The stack loops it back to sockets of this host in the group."""
    for guard in ("full", "strict"):
        module.load(**settings(guard=guard, allow=""))
        for version in versions():
            counters, listening = module.Counters(), Listening(version, socket.IPPROTO_UDP, GROUP[version])
            own_to_group(version)
            tap.ok(wait.until(lambda: listening.heard(b"?")), f"{version} guard={guard}: it is heard")  # pylint: disable=W0640
            tap.equal(dropped(counters, version), {}, f"{version} guard={guard}: nothing is dropped")
            listening.sock.close()
        module.unload()


@case.case
def strict_about_midstream():
    """With nf_conntrack_tcp_loose=0 a midstream segment is invalid."""
    HOME.sysctl(netfilter__nf_conntrack_tcp_loose=0)
    try:
        module.load(**settings(guard="full", **GUARDED))
        with Tally() as tally:
            for version in versions():
                cells = Cells(version)
                for dst in (PROXY[version], RELAY[version], OTHER[version]):
                    cells.add(f"to {dst}", "dropped_invalid", lambda src, d=dst: craft.tcp(src, d, 2222, ACK))
                tally.judge(link, version, cells.cells, "nf_conntrack_tcp_loose=0: the middle of a connection")
    finally:
        HOME.sysctl(netfilter__nf_conntrack_tcp_loose=1)


@case.case
def a_family_without_relay_is_guarded_too():
    for bare in versions():
        module.load(**settings(guard="full", **{SETTING[bare]: ""}))
        counters = module.Counters()
        for port in (25, 2222):
            tap.equal(traffic.tcp(t.internet, PROXY[bare], port, CLIENT[bare], timeout=0.3), "silence",
                      f"no relay for {bare}: tcp {port} to the host is dropped")
        tap.equal(traffic.tcp(t.internet, RELAY[bare], 25, CLIENT[bare], timeout=0.3), "silence",
                  f"no relay for {bare}: nothing is forwarded")
        counted(counters, bare, {"dropped_input", "dropped_forward"}, f"no relay for {bare}: counted")
        tap.equal(traffic.tcp(t.internet, PROXY[bare], 22, CLIENT[bare]), Seen("proxy", CLIENT[bare], 22),
                  f"no relay for {bare}: SSH enters")
        tap.equal(traffic.tcp(t.relay, INTERNET[bare], 25).server, "internet", f"no relay for {bare}: outbound passes")
        module.unload()


@case.case
def other_interfaces_are_not_judged():
    module.load(**settings(guard="full", allow=""))
    for version in versions():
        counters = module.Counters()
        for ns, own, other in ((t.relay, TUNNEL, OTHER), (t.other, TUNNEL2, RELAY)):
            for port in (22, 2222):
                tap.equal(traffic.tcp(ns, own[version], port).server, "proxy", f"{version} {ns.name}: proxy tcp {port}")
            tap.equal(traffic.udp(ns, own[version], 53).server, "proxy", f"{version} {ns.name}: the proxy's DNS")
            tap.equal(traffic.tcp(ns, PROXY[version], 2222).server, "proxy", f"{version} {ns.name}: the public address")
            tap.equal(traffic.tcp(ns, other[version], 8080).server, "other" if ns == t.relay else "relay",
                      f"{version} {ns.name}: from tunnel to tunnel")
            tap.equal(traffic.tcp(ns, INTERNET[version], 25), Seen("internet", PROXY[version], 25),
                      f"{version} {ns.name}: out to the internet by TCP")
            tap.equal(traffic.udp(ns, INTERNET[version], 3478), Seen("internet", PROXY[version], 3478),
                      f"{version} {ns.name}: out to the internet by UDP")
        for address in ("127.0.0.1" if version == "ipv4" else "::1", PROXY[version]):
            tap.equal(traffic.tcp(HOME, address, 2222).server, "proxy", f"{version}: the host to itself at {address}")
        for protocol, port in (("tcp", 25), ("udp", 53)):
            tap.equal(traffic.ask(protocol, HOME, INTERNET[version], port), Seen("internet", PROXY[version], port),
                      f"{version} {protocol}: the host's own connections are answered")
        tap.equal(dropped(counters, version), {}, f"{version}: nothing of it is dropped")


@case.case
def a_tunnel_as_wan():
    """An encapsulated packet has the tunnel as its input device when it leaves, although this host sent it."""
    if subprocess.run(["modprobe", "-q", "ip_gre"], check=False).returncode:
        tap.skip("GRE", "this kernel has none")
        return
    for ns, near, far, host in ((HOME, PROXY, INTERNET, 1), (t.internet, INTERNET, PROXY, 2)):
        ns.ip(f"link add gretest type gre local {near['ipv4']} remote {far['ipv4']} ttl 64\n"
              f"addr add 10.78.0.{host}/24 dev gretest\nlink set gretest up\n")
    try:
        module.load(**settings(wan="eth0,gretest", guard="full"))
        counters = module.Counters()
        tap.equal(traffic.tcp(t.relay, "10.78.0.2", 25), Seen("internet", "10.78.0.1", 25), "ipv4: the relay connects through it")
        tap.equal(traffic.tcp(HOME, "10.78.0.2", 25), Seen("internet", "10.78.0.1", 25), "ipv4: so does this host")
        tap.equal(dropped(counters, "ipv4"), {}, "ipv4: nothing of it is dropped")
        module.unload()
    finally:
        for ns in (HOME, t.internet):
            ns.ip("link del gretest\n")


def own_to_group(version):
    family = net.family_of(PROXY[version])
    with HOME.socket(family, socket.SOCK_DGRAM) as sock:
        if version == "ipv6":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 8)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(PROXY[version]))
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
        sock.bind((PROXY[version], 0))
        sock.sendto(b"?", (GROUP[version], 5000))


@case.case
def multicast_routing():
    """After routing, a multicast packet has no input device, or another one."""
    for version in versions():
        outer, inner = CLIENT[version], RELAY[version]
        try:
            router = mroute.Router(version, ["eth0", "wg0"], [(outer, GROUP[version], "eth0", "wg0"),
                                                              (inner, GROUP2[version], "wg0", "eth0"),
                                                              (PROXY[version], GROUP[version], "eth0", "wg0")])
        except mroute.Missing:
            tap.skip(f"{version}: multicast routing", "this kernel has none")
            continue
        with router, wire.Link(t.internet, "to_eth0", "eth0") as outside, wire.Link(t.relay, "wg0", "wg0") as inside:
            module.load(**settings(guard="off"))
            for guard in ("off", "forward", "full"):
                module.set("guard", guard)
                counters = module.Counters()
                before = passed(inside, GROUP[version]), passed(outside, GROUP2[version])
                outside.send(craft.udp(outer, GROUP[version], 5000))
                inside.send(craft.udp(inner, GROUP2[version], 5000))
                tap.ok(wait.until(lambda was=before, link=outside, group=GROUP2[version]: passed(link, group) == was[1] + 1),
                       f"{version} guard={guard}: outward")
                if guard == "off":
                    tap.ok(wait.until(lambda was=before, link=inside, group=GROUP[version]: passed(link, group) == was[0] + 1),
                           f"{version} guard={guard}: inward")
                else:
                    wait.until(lambda seen=counters, by=version: dropped(seen, by))
                    tap.equal(dropped(counters, version), {"dropped_forward": 1}, f"{version} guard={guard}: not inward")
                    tap.equal(passed(inside, GROUP[version]), before[0], f"{version} guard={guard}: nothing arrives")
                own_to_group(version)
                tap.ok(wait.until(lambda link=inside, group=GROUP[version], src=PROXY[version]: passed(link, group, src) == 1),
                       f"{version} guard={guard}: what this host sends itself")
                inside.forget()
            module.unload()


@case.case
def a_relay_with_a_public_address():
    """Its replies arrive on the WAN interface; connections that it opens do not pass the proxy."""
    module.load(**settings(PUBLIC, guard="full"))
    for version in versions():
        counters = module.Counters()
        tap.equal(traffic.tcp(t.internet, PROXY[version], 25, CLIENT[version]), Seen("public", PROXY[version], 25),
                  f"{version}: forwarded and back out")
        tap.equal(dropped(counters, version), {}, f"{version}: nothing is dropped")
        tap.equal(traffic.tcp(t.public, PROXY[version], 2222, timeout=0.3), "silence",
                  f"{version}: a relay out there is no friend of the host")
        counted(counters, version, {"dropped_input"}, f"{version}: its SYN is counted")
    with Tally() as tally:
        for version in versions():
            cells = Cells(version)
            cells.add("in the relay's name", "dropped_forward", lambda src, v=version: craft.tcp(src, OTHER[v], 25),
                      src=PUBLIC[version])
            tally.judge(link, version, cells.cells, "a source address proves nothing")


@case.case
def drained():
    """Connections that are no longer forwarded reach the host itself."""
    module.load(**settings(guard="full", enabled="0"))
    for version in versions():
        counters = module.Counters()
        tap.equal(traffic.tcp(t.internet, PROXY[version], 25, CLIENT[version], timeout=0.3), "silence",
                  f"{version} enabled=0: nobody else answers on the relay's port")
        counted(counters, version, {"dropped_input"}, f"{version} enabled=0: counted")


@case.case
def answers_in_any_protocol():
    """Replies to this host pass for any protocol, the first one too."""
    module.load(**settings(guard="full"))
    with Tally() as tally:
        for version in versions():
            counters = module.Counters()
            link.send(craft.ip(INTERNET[version], PROXY[version], UNASSIGNED, b"unasked"))
            tap.ok(wait.until(lambda v=version, c=counters: dropped(c, v) == {"dropped_input": 1}), f"{version}: unasked")
            with HOME.socket(net.family_of(INTERNET[version]), socket.SOCK_RAW, UNASSIGNED) as asking:
                asking.sendto(b"hello", (INTERNET[version], 0))
            before = tally.packets()["entered"].get(INTERNET[version], 0)
            link.send(craft.ip(INTERNET[version], PROXY[version], UNASSIGNED, b"hello yourself"))
            tap.ok(wait.until(lambda v=version, b=before: tally.packets()["entered"].get(INTERNET[v], 0) > b),
                   f"{version}: protocol {UNASSIGNED} is answered")
            tap.equal(dropped(counters, version), {"dropped_input": 1}, f"{version}: no more is dropped")


@case.case
def hooks_only_while_needed():
    """Without a relay and without guard, connection tracking is not enabled."""
    def tracked(version, passes):
        conntrack.flush()
        answer = traffic.tcp(t.internet, PROXY[version], 2222, CLIENT[version], timeout=5 if passes else 0.3)
        return answer != "silence", any(entry.orig.src == CLIENT[version] for entry in conntrack.entries())
    module.load(wan="eth0")
    for guard, passes, known in (("off", True, False), ("full", False, False), ("forward", True, True),
                                 ("off", True, False), ("full", False, False), ("off", True, False)):
        module.set("guard", guard)
        for version in versions():
            tap.equal(tracked(version, passes), (passes, known), f"{version} guard={guard}: passes, is tracked")
    module.configure(guard="full", allow="")
    for version in versions():
        tap.equal(tracked(version, True), (True, False), f"{version}: without a WAN interface, a guard is idle")
    module.set("wan", "eth+")
    for version in versions():
        tap.equal(tracked(version, False), (False, False), f"{version}: a pattern names a WAN interface")


case.run(setup, topo.EVERY_RELAY)
