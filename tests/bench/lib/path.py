"""A family's packets through the proxy: first proved to come out right, then counted."""

import ipaddress
import time

from . import frame
from .box import CLIENT, SCENARIOS, TUNNEL, mac, own
from .frame import ACK, CLIENT_SEQ, PSH, RELAY_SEQ, SYN, UDP, Wrong
from .inject import PORT_FIRST, PORTS, REPLY, SCATTER, WATCH, Capture, Injector

PACKETS = 8192
FLOWS = 64
NEW = 20000
# Flows that no other measurement has used. Nor are their ports in use, which masquerading would have to change.
FRESH = 20 * PORTS + NEW
# Conntrack takes a flow of datagrams for a stream after two seconds.
STREAM = 2.5


class Path:
    def __init__(self, injector: Injector, row, family, relay=0, scenario=SCENARIOS[TUNNEL]):
        self.injector, self.row, self.scenario = injector, row, scenario
        client = (CLIENT[family], PORT_FIRST)
        relay, address = (scenario.relay(family, relay), scenario.port), (own(family, relay), scenario.port)
        if not row.translates:
            address = relay
        # Whom the relay sees: masqueraded, all clients are the proxy.
        seen = (own(family), PORT_FIRST) if scenario.public else client
        seq, ack = CLIENT_SEQ + 1, RELAY_SEQ + 1
        # What goes in where, and with which addresses it comes out where.
        inward = ("eth0", scenario.inner), (client, address), (seen, relay), 0
        outward = (scenario.inner, "eth0"), (relay, seen), (address, client), REPLY
        self.syn = self._kind(inward, SYN, CLIENT_SEQ, 0)
        self.syn_ack = self._kind(outward, SYN | ACK, RELAY_SEQ, CLIENT_SEQ + 1)
        self.ack = self._kind(inward, ACK | PSH, seq, ack)
        self._rounds = {"in": 0, "out": 0}
        self.data = {"in": self.ack, "out": self._kind(outward, ACK | PSH, ack, seq)}

    def _kind(self, direction, flags, seq, ack):
        devices, before, after, reply = direction
        template = frame.build(mac(devices[0]), *before, self.scenario.proto, flags, seq, ack)
        return devices, template, after, reply

    def _next(self, kind, flows, packets):
        """What a kind of packets begins with: each flow has new data in each packet."""
        direction = next((name for name, data in self.data.items() if data is kind), None)
        if direction is None:
            return kind[1]
        template = frame.moved(kind[1], self._rounds[direction])
        self._rounds[direction] += -(-packets // flows)
        return template

    def send(self, kind, packets, flows, first=0, flags=0):
        devices, _, _, reply = kind
        template = self._next(kind, flows, packets)
        return self.injector.run(*devices, template, packets, flows, first=first, flags=flags | reply)[0]

    def prove(self, what, kind, flows, first=0):
        """One packet of each flow: does each come out once, and right in every field?"""
        devices, _, after, reply = kind
        template = self._next(kind, flows, flows)
        with Capture(devices[1]) as capture:
            self.injector.run(*devices, template, flows, flows, first=first, flags=reply)
            came = [frame.parse(data) for data in capture.frames()]
        should = frame.parse(template)
        should["source"], should["destination"] = after
        should["ttl"] -= self.row.forwards
        name = "destination" if reply else "source"
        if len(came) != flows:
            raise Wrong(f"{what}: {len(came)} packets of {flows} came out: {sorted(packet[name][1] for packet in came)}")
        for flow, packet in enumerate(came, first):
            address, port = should[name][0], PORT_FIRST + flow % PORTS
            if flow // PORTS and (reply or not self.scenario.public):
                address = _advance(address, flow // PORTS)
            expected = {**should, name: (address, port)}
            if packet != expected:
                raise Wrong(f"{what}, flow {flow}:\n got {packet}\nwant {expected}")

    def open(self, flows):
        """Opens connections; few are proved, many counted."""
        if flows <= FLOWS:
            self.prove("SYN", self.syn, flows)
            self.prove("SYN-ACK", self.syn_ack, flows)
            self.prove("data in", self.data["in"], flows)
            self.prove("data out", self.data["out"], flows)
        else:
            for what, kind in (("SYN", self.syn), ("SYN-ACK", self.syn_ack), ("ACK", self.ack)):
                sent = self.send(kind, flows, flows)
                if sent != flows:
                    raise Wrong(f"{what}: {sent} of {flows} were forwarded")
        if self.scenario.proto == UDP:
            time.sleep(STREAM)
        for kind in self.data.values():
            self.send(kind, flows, flows)
        # Once more: a flowtable has taken over meanwhile.
        if flows <= FLOWS:
            for direction, kind in self.data.items():
                self.prove(f"later data {direction}", kind, flows)

    def open_scattered(self, clients):
        """Opens a connection from each of so many addresses."""
        for what, kind in (("SYN", self.syn), ("SYN-ACK", self.syn_ack), ("ACK", self.ack)):
            sent = self.send(kind, clients, clients, flags=SCATTER)
            if sent != clients:
                raise Wrong(f"{what}: {sent} of {clients} were forwarded")
        for kind in self.data.values():
            self.send(kind, clients, clients, flags=SCATTER)

    def established(self, direction, flows=FLOWS, flags=0):
        devices, _, _, reply = self.data[direction]
        packets = max(PACKETS, flows)
        template = self._next(self.data[direction], flows, packets)
        return self.injector.cost(*devices, template, packets, flows, flags=flags | reply)

    def watched(self, kind, packets, flows, first=0):
        """For tests/bench/plugin, which leaves out the very first of these runs."""
        sent = self.send(kind, packets, flows, first, WATCH)
        if sent != packets:
            raise Wrong(f"of {packets} packets {sent} were forwarded")

    def scattered(self, packets):
        """A new connection from an address that has none yet."""
        devices, template, _, reply = self.syn
        return self.injector.cost(*devices, template, packets, packets, first=FRESH, flags=SCATTER | reply)

    def new(self, packets=NEW, first=FRESH):
        self.prove("first SYN", self.syn, FLOWS, first - FLOWS)
        devices, template, _, reply = self.syn
        return self.injector.cost(*devices, template, packets, packets, first=first, flags=reply)


def _advance(address, by):
    return str(ipaddress.ip_address(address) + by)
