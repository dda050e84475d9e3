#!/usr/bin/python3
# vm: --timeout 600
"""docs/home-relay.md"""

import contextlib
import os
import re
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import guide
import home
import ctl
from home import HOME_LINE, LAN, WIREGUARD
from lib import case, module, sniff, tap, topo, traffic, wait
from lib.topo import CLIENT, CLIENT2, EVERY_RELAY, HOME, INTERNET, PROXY, TUNNEL
from lib.traffic import Seen

# The other end of a call.
PEER, PEER_PORT = CLIENT2["ipv4"], 3480

place = None


def setup():
    global place
    place = home.Place()


def ready():
    """The guide has been followed, and the module is loaded."""
    if "modprobe chatdnat" not in place.play.output:
        place.play.guide("home-relay.md", "A relay at home", "The tunnel", "The proxy", "First test")
    elif not module.loaded():
        place.play.command("home-relay.md: proxy", place.play["proxy"], "modprobe chatdnat")


def instead(old, new):
    """The relay's rules with a part replaced, as the guide tells for its variants."""
    relay = place.play["relay"]
    file = relay.file("/etc/wireguard/relay-routes")
    text = file.read_text(encoding="utf-8")
    tap.ok(old in text, f"relay-routes: {old.strip()}")
    file.write_text(text.replace(old, new), encoding="utf-8")
    status, output = relay.run("sh /etc/wireguard/relay-routes")
    tap.ok(status == 0, f"relay-routes: with the other lines {output}")


@case.case
def as_written():
    ready()
    play, relay = place.play, place.play["relay"]
    greetings = [text for command, text in play.output.items() if "/dev/tcp/" in command]
    tap.equal([text.split()[0] for text in greetings], ["relay", "relay"], "the first test shows the relay's greeting")
    routes = [play.output[command] for command in ("ip route show default", "ip -6 route show default")]
    tap.equal([text.split("dev ")[1].split()[0] for text in routes], ["eth0"] * 2, "the proxy's default routes name the interface")
    place.serves("as written")
    place.guarded("as written")
    tap.equal([finding for finding in ctl.run("--json").findings().values() if finding["severity"] != "note"], [],
              "chatdnatctl finds nothing wrong")
    place.hidden("as written", WIREGUARD)
    for version in topo.IP_VERSIONS:
        tap.equal(traffic.tcp(place.relay, LAN[version], 80), Seen("internet", HOME_LINE[version], 80), f"{version}: the LAN is near")
        tap.equal(traffic.tcp(place.relay, PROXY[version], 993), "refused", f"{version}: the relay's own name is the proxy's")
    ctl.run("set", "hairpin=1")
    for version in topo.IP_VERSIONS:
        tap.equal(traffic.tcp(place.relay, PROXY[version], 993)[0], "relay", f"{version}: with hairpin=1 it is the relay's")
    relay.run("wg-quick down wg0")
    place.line.forget()
    for version in topo.IP_VERSIONS:
        for port in (25, 80, 443):
            tap.equal(traffic.tcp(place.relay, INTERNET[version], port), "EHOSTUNREACH",
                      f"{version} {port}: nothing leaves without the tunnel")
    place.hidden("without the tunnel")
    tap.equal(relay.run("wg-quick up wg0")[0], 0, "the tunnel comes back")
    HOME.run("wg-quick", "down", "wg0")
    place.refused("tunnel down")
    HOME.run("wg-quick", "up", "wg0")
    # The proxy does not know where the relay is until that speaks to it, by a new handshake.
    relay.run("wg-quick down wg0; wg-quick up wg0; ping -c 1 -w 60 10.9.0.1")
    tap.ok(wait.until(lambda: traffic.tcp(place.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=1) ==
                      Seen("relay", CLIENT["ipv4"], 993), 60), "the tunnel comes back at the other end")


@contextlib.contextmanager
def running(*commands):
    """Programs in the foreground, each on a host."""
    started = [subprocess.Popen([*host.enter(), "sh", "-c", f"exec {command}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, text=True) for host, command in commands]
    try:
        yield
    finally:
        for (host, command), process in zip(commands, started):
            process.terminate()
            output = process.communicate(timeout=30)[0]
            tap.diag(f"{host.name}: {command}\n{output[-4000:]}")


@case.case
def calls():
    ready()
    play, relay, client = place.play, place.play["relay"], place.play["client"]
    play.guide("home-relay.md", "Calls")
    unit = relay.file("/etc/systemd/system/turnserver.service.d/coturn.conf").read_text(encoding="utf-8")
    user, group, command = (re.findall(f"^{name}=(.+)$", unit, re.M)[-1] for name in ("User", "Group", "ExecStart"))
    place.line.forget()
    with running((relay, f"setpriv --reuid={user} --regid={group} --clear-groups {command}"),
                 (client, f"turnutils_peer -L {PEER} -p {PEER_PORT}")):
        for host, port in ((relay, 3478), (client, PEER_PORT)):
            tap.ok(wait.until(lambda h=host, p=port: h.run(f"ss -Hlun sport = {p}")[1].strip(), 60),
                   f"calls: {host.name} listens on port {port}")
        user, password = relay.run("sh /etc/turn-credentials")[1].strip().split(":", 1)
        with sniff.Sniffer(place.internet, "to_eth0") as link:
            for to, name in ((f"-e {PEER} -r {PEER_PORT}", "another host"), ("-y", "who needs the server as well")):
                status, output = client.run(f"turnutils_uclient -v -c -u {user} -w {password} -L {CLIENT['ipv4']} {to} -m 2 -n 20 "
                                            f"{PROXY['ipv4']}", 120)
                tap.equal((status, re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", output)[-1:]), (0, [("40", "40")]),
                          f"calls: what a caller says reaches {name}, and comes back")
                if status:
                    tap.diag(output[-3000:])
            offered = re.findall(r"relay addr: ([\d.]+):(\d+)", output)
            tap.equal({(address, 10000 <= int(port) <= 10999) for address, port in offered}, {(PROXY["ipv4"], True)},
                      "calls: callers are offered the proxy's address, and a port of the range")
            media = {(packet.src, 10000 <= packet.sport <= 10999) for packet in link.packets("in")
                     if (packet.dst, packet.dport) == (PEER, PEER_PORT)}
            tap.equal(media, {(PROXY["ipv4"], True)}, "calls: the other one sees the proxy's address, and a port of the range")
        for password, peer, what in (("wrong", PEER, "nobody else is served"), (password, TUNNEL["ipv4"], "nobody gets into the tunnel"),
                                     (password, LAN["ipv4"], "nor into the LAN")):
            status = client.run(f"turnutils_uclient -c -u {user} -w {password} -L {CLIENT['ipv4']} -e {peer} -r {PEER_PORT} -n 1 "
                                f"{PROXY['ipv4']}", 120)[0]
            tap.ok(status != 0, f"calls: {what}")
    place.hidden("calls", WIREGUARD)


@case.case
def by_users():
    ready()
    relay = place.play["relay"]
    relay.run("useradd -r vmail; useradd -r unbound; useradd -r iroh")
    everybody = "    $ip rule add priority 400 lookup 100\n"
    some = re.search(r"^    for user in .*?^    done\n", (guide.DOCS / "home-relay.md").read_text(encoding="utf-8"), re.M | re.S)[0]
    instead(everybody, some)
    for version in topo.IP_VERSIONS:
        for user, seen in (("vmail", PROXY), ("unbound", PROXY), ("root", HOME_LINE)):
            tap.ok(wait.until(lambda: asks(user, "tcp", 443, version) == seen[version], 30),
                   f"by users: {version} {user}'s connection comes from {seen[version]}")
            tap.equal(asks(user, "udp", 53, version), seen[version], f"by users: {version} {user}'s question comes from there")
        tap.equal(traffic.tcp(place.internet, PROXY[version], 993, CLIENT[version]), Seen("relay", CLIENT[version], 993),
                  f"by users: {version} clients are served")
    instead(some, everybody)


def asks(user, protocol, port, version):
    """Whom a server on the internet sees when a user of the relay asks it."""
    status, output = place.play["relay"].run(
        f"runuser -u {user} -- timeout 5 bash -c 'exec 3<>/dev/{protocol}/{INTERNET[version]}/{port}; echo ? >&3; head -n 1 <&3'")
    return status or output.split()[1]


@case.case
def by_tcp():
    ready()
    play, relay, proxy = place.play, place.play["relay"], place.play["proxy"]
    for host in (relay, proxy):
        host.run("wg-quick down wg0")
    play.guide("home-relay.md", "Where WireGuard is blocked")
    instead("ipproto udp dport 51820", "ipproto tcp dport 8443")
    play.command("home-relay.md: proxy", proxy, "chatdnatctl set allow=ssh,8443/tcp")
    HOME.run("modprobe", "tun")
    place.line.forget()
    command = "openvpn --cd /etc/openvpn --config tunnel.conf"
    with running((proxy, command), (relay, command)):
        tap.ok(wait.until(lambda: relay.run("ping -c 1 -W 1 10.9.0.1")[0] == 0, 90), "by TCP: the tunnel works")
        place.serves("by TCP")
        place.guarded("by TCP")
        place.hidden("by TCP", (PROXY["ipv4"], socket.IPPROTO_TCP, 8443))


case.run(setup, EVERY_RELAY)
