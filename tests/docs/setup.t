#!/usr/bin/python3
# vm: --timeout 600
"""chatdnatctl setup: one command on the proxy and one on the relay make what docs/home-relay.md makes."""

import os
import pathlib
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import guide
import home
import amneziawg as imitated
import ctl
from lib import case, module, tap, traffic, wait
from lib.topo import CLIENT, EVERY_RELAY, HOME, INTERNET, PROXY
from lib.traffic import Connection, Seen

TUNNEL = pathlib.Path("/etc/wireguard/wg0.conf")
SYSCTLS = pathlib.Path("/etc/sysctl.d/90-chatdnat.conf")
OPTIONS = pathlib.Path("/etc/modprobe.d/chatdnat.conf")
AUTOLOAD = pathlib.Path("/etc/modules-load.d/chatdnat.conf")
MANIFEST = pathlib.Path("/var/lib/chatdnat/setup.json")
FILES = (TUNNEL, SYSCTLS, OPTIONS, AUTOLOAD)
LINE = "options chatdnat wan=eth0 v4=10.9.0.2 v6=fd00:9::2 via=wg0 guard=full allow=ssh,51820/udp"
place = None


def setup():
    global place
    place = home.Place()


def returns(status, result, name):
    if not tap.equal(result.status, status, f"{name}: exit status {status}"):
        tap.diag(result.out + result.err)


def state():
    """Content, mode and age of each file."""
    return {path: (path.read_text(encoding="ascii"), os.stat(path).st_mode & 0o777, os.stat(path).st_mtime_ns)
            for path in (*FILES, MANIFEST) if path.exists()}


def script_of(result):
    """The command to paste on the relay."""
    return re.search(r"^sh <<'(\w+)'\n.*^\1\n", result.out, re.M | re.S)[0]


def on_the_relay(script, **how):
    return place.play["relay"].run(script, timeout=120, **how)


def as_in_the_guide():
    """The files that the guide has too, with its addresses."""
    for block in guide.blocks("home-relay.md"):
        path = block.path and pathlib.Path(block.path)
        if path and path.name in ("relay-routes", "relay-routes.service", "90-relay-routes.conf"):
            tap.equal(place.play["relay"].run(f"cat {path}")[1], block.text, f"the guide's {path}")
        elif path == OPTIONS:
            tap.equal(block.text.strip(), LINE, f"the guide's {path}")


@case.case
def proposes():
    result = ctl.run("setup")
    returns(0, result, "without a word")
    tap.ok("eth0" in result.out and "203.0.113.1" in result.out and "10.9.0.2" in result.out, "without a word: proposes")
    tap.ok("nothing was written" in result.out and not state(), "without a word: writes nothing")
    result = ctl.run("setup", "--relay", "relay.example", "--dry-run")
    returns(0, result, "--dry-run")
    tap.equal(re.findall(r"^\+\+\+ (.*)$", result.out, re.M), [str(path) for path in FILES], "--dry-run: a diff of each file")
    tap.ok(f"+{LINE}" in result.out.splitlines() and "+net.ipv4.ip_forward = 1" in result.out, "--dry-run: of what would be written")
    tap.ok(not state() and not os.path.exists("/sys/class/net/wg0"), "--dry-run: writes nothing")
    for args, what in ((["--relay", "10.9.0.300"], "10.9.0.300"), (["--relay", "10.9.0.2,10.9.0.3"], "10.9.0.2,10.9.0.3"),
                       (["--relay", "relay"], "'relay'"), (["--relay", "127.0.0.1"], "127.0.0.1"), (["--relay", ""], "''"),
                       (["--relay", "203.0.113.7"], "eth0"), (["--relay", "a.example", "--wan", "eth9"], "eth9"),
                       (["--relay", "a.example", "--wan", "../x"], "../x"), (["--relay", "a.example", "--port", "0"], "'0'"),
                       (["--relay", "a.example", "--port", "65536"], "65536"), (["--relay", "a.example", "--tunnel", "a b"], "a b"),
                       (["--relay", "a.example", "--allow", "22 143"], "22 143"), (["--relay", "a.example", "--address", "x"], "'x'"),
                       (["--relay", "a.example", "--tunnel", "eth0"], "eth0"), (["--script"], "--script")):
        result = ctl.run("setup", *args)
        returns(1, result, f"setup {' '.join(args)}")
        tap.ok(what in result.err and not result.out and not state(), f"setup {' '.join(args)}: is named, nothing is written")
    for args in (["x"], ["--relay"], ["--nonsense"], ["--json"]):
        returns(2, ctl.run("setup", *args), f"setup {' '.join(args)}")
    session = by_ssh("203.0.113.1", 2222)
    other = traffic.Host("proxy", HOME).tcp(2222)
    result = ctl.run("setup", "--relay", "a.example", "--dry-run", before=session)
    tap.ok("allow=ssh,2222/tcp,51820/udp" in result.out, "the port of the session stays open")
    config = pathlib.Path("/etc/ssh/sshd_config.d/address.conf")
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("ListenAddress 0.0.0.0:2222\n", encoding="ascii")
    result = ctl.run("setup", "--relay", "a.example", "--dry-run")
    tap.ok("allow=ssh,2222/tcp,51820/udp" in result.out, "a port that sshd has with an address stays open")
    config.unlink()
    other.close()
    result = ctl.run("setup", "--relay", "a.example", "--dry-run", before=session)
    tap.ok("allow=ssh,51820/udp" in result.out, "a port that nobody listens on does not open")
    for hide, what in (("", "apt install wireguard"), ("mount -t tmpfs none /etc;", "it is in the package wireguard-tools")):
        result = ctl.run("setup", "--relay", "a.example", before=("unshare", "-m", "sh", "-ec", f'mount --bind /dev/null /usr/bin/wg-quick; {hide} exec "$@"', "sh"))
        returns(1, result, "no wg-quick")
        tap.ok(what in result.err and not state(), f"no wg-quick: {what} {result.err}")
    result = ctl.run("setup", "--relay", "a.example", before=ctl.NOBODY)
    returns(1, result, "not root")
    tap.ok("needs root" in result.err, "not root: says so")


def by_ssh(address, port):
    """As sudo runs it, in a session that came to that address and port."""
    return ("env", f"SSH_CONNECTION=198.51.100.10 40000 {address} {port}", "sh", "-c", 'env -u SSH_CONNECTION "$@"; exit $?', "sh")


@case.case
def sessions():
    """That guard=full must not lock out."""
    other = traffic.Host("proxy", HOME).tcp(2222)
    result = ctl.run("setup", "--relay", "relay.example", "--allow", "ssh,8080", before=by_ssh("203.0.113.1", 2222))
    returns(1, result, "--allow without the session's port")
    tap.ok("lacks 2222/tcp" in result.err and not state() and not module.loaded(), "--allow without the session's port: is named, nothing is written")
    with Connection(place.internet, PROXY["ipv4"], 2222, CLIENT["ipv4"], timeout=20) as connection:
        tap.ok(connection.echo(b"before"), "a session")
        result = ctl.run("setup", "--relay", "relay.example.", before=by_ssh("203.0.113.1", 2222))
        returns(0, result, "over the session")
        tap.ok("by port 2222/tcp, stays open" in result.out and "allow=ssh,2222/tcp,51820/udp" in OPTIONS.read_text(encoding="ascii"), "over the session: its port stays open")
        tap.ok("\nrelay.example.  MX    10 relay.example.\n" in result.out, "a name with the dot of the DNS is the same name")
        tap.equal(module.get("guard"), "full", "over the session: with the guard")
        tap.ok(connection.echo(b"after"), "over the session: it lives")
    tap.equal(traffic.tcp(place.internet, PROXY["ipv4"], 2222, CLIENT["ipv4"]), Seen("proxy", CLIENT["ipv4"], 2222), "over the session: the next one as well")
    returns(0, ctl.run("setup", "--undo"), "sessions: --undo")
    HOME.run("ip", "link", "delete", "wg0")
    HOME.ip("link add vpn type wireguard\naddr add 10.66.0.1/24 dev vpn\nlink add vpn2 type ipip local 203.0.113.1 remote 198.51.100.10\naddr add 10.67.0.1/24 dev vpn2\n")
    HOME.run("wg", "set", "vpn", "listen-port", "4444")
    result = ctl.run("setup", "--relay", "a.example", "--tunnel", "wg0", "--dry-run", before=by_ssh("10.66.0.1", 22))
    tap.ok("allow=ssh,51820/udp,4444/udp" in result.out, f"a session through a tunnel of WireGuard: its port stays open {result.err}")
    result = ctl.run("setup", "--tunnel", "wg0", before=by_ssh("10.67.0.1", 22))
    tap.ok("it comes by vpn2" in result.out, f"a session through another tunnel: its port is asked for {result.err}")
    HOME.ip("link delete vpn\nlink delete vpn2\n")
    other.close()


@case.case
def asks():
    for answer, what in (("n", "nothing was written"), ("y", "relay.example.  MX")):
        terminal = ctl.Terminal("setup")
        tap.ok(terminal.reads("Name of the relay"), f"{answer}: asks for the name")
        terminal.enter("relay.example")
        tap.ok(terminal.reads("[y/N]"), f"{answer}: shows the plan, and asks")
        terminal.enter(answer)
        tap.ok(terminal.reads(what) and terminal.reads("\n"), f"{answer}: {what}")
        if answer == "y":
            tap.ok(terminal.reads("CHATDNAT_RELAY\r\n"), "y: prints the script")
        tap.equal((terminal.status() == 0, bool(state())), (answer == "y", answer == "y"), f"{answer}: does as told")
        terminal.close()
    returns(0, ctl.run("setup", "--undo"), "asks: --undo")
    HOME.run("ip", "link", "delete", "wg0")


@case.case
def two_commands():
    result = ctl.run("setup", "--relay", "relay.example")
    returns(0, result, "on the proxy")
    tap.equal(result.err, "", "on the proxy: no complaint")
    for record in ("relay.example.  A     203.0.113.1", "relay.example.  MX    10 relay.example."):
        tap.ok(record in result.out.splitlines(), f"DNS: {record}")
    tap.ok(re.search(r"^relay\.example\.  AAAA  2001:db8:1::[123]$", result.out, re.M), "DNS: AAAA")
    tap.equal({path: mode for path, (_, mode, _) in state().items()},
              {TUNNEL: 0o600, SYSCTLS: 0o644, OPTIONS: 0o644, AUTOLOAD: 0o644, MANIFEST: 0o600}, "the files and their modes")
    tap.ok(LINE in OPTIONS.read_text(encoding="ascii").splitlines(), "the module's settings")
    tap.equal(module.get("guard"), "full", "the module is loaded")
    keys = re.findall(r"PrivateKey = (\S+)", TUNNEL.read_text(encoding="ascii") + result.out)
    tap.equal(len(set(keys)), 2, "two keys, the relay's in its script only")
    public = [HOME.run("sh", "-c", f"echo {key} | wg pubkey").strip() for key in keys]
    tap.equal([HOME.run("wg", "show", "wg0", what).split()[0] for what in ("public-key", "peers")], public,
              "wg computes the same public keys, and the tunnel has them")
    script = script_of(result)
    status, output = place.play["proxy"].run(script)
    tap.ok(status == 1 and "this is the proxy" in output, f"on the proxy, by mistake: {output}")
    place.line.forget()
    status, output = on_the_relay(script)
    tap.ok(status == 0 and "The tunnel is up" in output, f"on the relay: {output}")
    place.serves("two commands")
    place.guarded("two commands")
    place.hidden("two commands", home.WIREGUARD)
    as_in_the_guide()
    tap.equal([finding for finding in ctl.run("--json").findings().values() if finding["severity"] != "note"], [],
              "chatdnatctl finds nothing wrong")
    again(script)
    from_the_files()
    take_back()


def again(script):
    before = state()
    with Connection(place.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=20) as connection:
        tap.ok(connection.echo(b"before"), "again: a connection")
        for args in ([], ["--relay", "relay.example"]):
            result = ctl.run("setup", *args)
            returns(0, result, "again on the proxy")
            tap.ok("no file has changed" in result.out and state() == before, "again on the proxy: changes nothing")
            tap.equal(script_of(result), script, "again on the proxy: the same script")
            printed = result.out
        result = ctl.run("setup", "--script")
        tap.equal(result.out, script.split("\n", 1)[1].rsplit("\n", 2)[0] + "\n", "--script: the script alone")
        tap.equal(ctl.run("setup", "--dry-run").out, "", "--dry-run: no diff")
        status, output = on_the_relay(script)
        tap.ok(status == 0 and "nothing to change" in output and "wrote" not in output, f"again on the relay: changes nothing {output}")
        tap.ok(connection.echo(b"after"), "again: the connection lives")
        pasted(printed)
        pasted(printed, history=False)
    result = ctl.run("setup", "--allow", "ssh,8080")
    returns(0, result, "another setting")
    tap.equal(module.get("allow"), "22,8080,51820/udp", "another setting: in force")
    tap.ok("allow=ssh,8080,51820/udp" in OPTIONS.read_text(encoding="ascii"), "another setting: saved")
    returns(0, ctl.run("setup", "--allow", "ssh"), "the former one")


def pasted(output, history=True):
    """Into an interactive shell on the relay, as whoever reads the output does; its history is as before."""
    command = re.search(r"^[^\n]*\nsh <<'(\w+)'\n.*?^\1\n[^\n]*", output, re.M | re.S)[0]
    with tempfile.TemporaryDirectory() as home_directory:
        terminal = ctl.Terminal(program=(*place.play["relay"].enter(), "env", "-u", "HISTFILE", "-u", "HISTCONTROL", f"HOME={home_directory}",
                                         "TERM=xterm", "PS1=root# ", "bash", "--norc", "-i"))
        tap.ok(terminal.reads("root# "), "pasted: a shell")
        if not history:
            terminal.enter("set +o history")
        terminal.enter("echo before")
        tap.ok(terminal.reads("\rbefore\r\n\x1b[?2004hroot# "), "pasted: it works")
        terminal.paste(command)
        terminal.enter("echo after; exit")
        tap.ok(terminal.reads("\rafter") and "\rnothing to change\r\n" in terminal.text and "\nThe tunnel is up. " in terminal.text, "pasted: runs")
        terminal.status()
        terminal.close()
        kept = pathlib.Path(home_directory, ".bash_history")
        lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
        # Without one, bash writes nothing when it exits.
        typed = ["echo before", "echo after; exit"] if history else []
        tap.equal([line for line in lines if line != command.split("\n")[0]], typed,
                  f"pasted: the history of a shell that {'keeps' if history else 'does not keep'} it: what was typed, and no key")


def from_the_files():
    """As after a boot: wg-quick and modprobe read what setup has written."""
    module.unload()
    HOME.run("ip", "link", "delete", "wg0")
    place.play["proxy"].run("sysctl -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
    for command in ("sysctl --system", "wg-quick up wg0", "modprobe chatdnat"):
        status, output = place.play["proxy"].run(command)
        tap.ok(status == 0, f"as after a boot: {command} {output if status else ''}")
    # It would notice by itself as soon as it sends something.
    status, output = on_the_relay("wg-quick down wg0; wg-quick up wg0")
    tap.ok(status == 0, f"as after a boot: the relay's end {output if status else ''}")
    tap.ok(wait.until(lambda: traffic.tcp(place.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=1) ==
                      Seen("relay", CLIENT["ipv4"], 993), 60), "as after a boot: the tunnel comes back")
    place.serves("as after a boot")


def take_back():
    OPTIONS.write_text(OPTIONS.read_text(encoding="ascii") + "# mine\n", encoding="ascii")
    result = ctl.run("setup")
    returns(1, result, "a file was changed")
    tap.ok(f"{OPTIONS} was changed" in result.err and "# mine" in OPTIONS.read_text(encoding="ascii"), "a file was changed: it is named")
    result = ctl.run("setup", "--undo", "--dry-run")
    tap.equal(len(state()), 5, "--undo --dry-run: removes nothing")
    tap.ok("PrivateKey = ***" in result.out and "=\n" not in result.out.split("PrivateKey")[1][:60], "--undo --dry-run: shows no key")
    result = ctl.run("setup", "--undo")
    returns(0, result, "--undo")
    tap.ok(f"kept {OPTIONS}" in result.out, "--undo: names the file that was changed")
    tap.equal(list(state()), [OPTIONS], "--undo: removes all others")
    for command in re.findall(r"^  (\w.*)$", result.out, re.M):
        tap.equal(place.play["proxy"].run(command)[0], 0, f"--undo: {command}")
    returns(0, ctl.run("setup", "--undo"), "--undo again")
    OPTIONS.unlink()


@case.case
def files_of_somebody_else():
    mine = "# mine\nprivatekey=SECRET\n PresharedKey = SECRET\n"
    TUNNEL.write_text(mine, encoding="ascii")
    os.chmod(TUNNEL, 0o640)
    result = ctl.run("setup", "--relay", "relay.example,10.9.0.2")
    returns(1, result, "a file of somebody else")
    tap.ok(f"{TUNNEL} exists" in result.err and "nothing was changed" in result.err, "a file of somebody else: is named")
    tap.equal(list(state()), [TUNNEL], "a file of somebody else: nothing is written")
    result = ctl.run("setup", "--relay", "relay.example,10.9.0.2", "--dry-run")
    tap.ok("-privatekey=***" in result.out and "SECRET" not in result.out, "a file of somebody else: --dry-run shows no key")
    result = ctl.run("setup", "--relay", "relay.example,10.9.0.2", "--replace")
    returns(0, result, "--replace")
    tap.ok(f"replaced {TUNNEL}" in result.out, "--replace: says so")
    tap.equal(module.get("v6"), "", "--relay with one address: no other family")
    returns(0, ctl.run("setup"), "after --replace: again")
    # As if a setup was killed.
    HOME.run("ip", "link", "delete", "wg0")
    HOME.run("ip", "link", "add", "wg0", "type", "wireguard")
    returns(0, ctl.run("setup"), "a tunnel that was begun")
    tap.ok(HOME.run("wg", "show", "wg0", "peers").strip() and "UP" in HOME.run("ip", "link", "show", "wg0"), "a tunnel that was begun: is completed")
    script = ctl.run("setup", "--script").out
    HOME.run("ip", "link", "delete", "wg0")
    place.play["relay"].run("wg-quick down wg0")
    # A relay that nobody answers must not be left without routes. Without the waiting.
    fake = pathlib.Path("/run/fake")
    fake.mkdir()
    (fake / "sleep").symlink_to("/bin/true")
    status, output = on_the_relay(f"PATH={fake}:$PATH\nexport PATH\n{script}")
    tap.ok(status == 1 and "does not answer at 203.0.113.1:51820" in output, f"no answer from the proxy: says so {output}")
    tap.equal(traffic.tcp(place.relay, INTERNET["ipv4"], 80), Seen("internet", home.HOME_LINE["ipv4"], 80),
              "no answer from the proxy: the relay has its own routes again")
    result = ctl.run("setup", "--undo")
    returns(0, result, "--undo after --replace")
    tap.ok(f"restored {TUNNEL}" in result.out and TUNNEL.read_text(encoding="ascii") == mine, "--undo: brings the former file back")
    tap.equal((list(state()), os.stat(TUNNEL).st_mode & 0o777), ([TUNNEL], 0o640), "--undo: with its mode, and removes all others")
    TUNNEL.unlink()


def is_refused(name, *words):
    result = ctl.run("setup", "--relay", "relay.example")
    returns(1, result, name)
    tap.ok(all(word in result.err for word in words) and not state(), f"{name}: is named, nothing is written")


def which_tunnel():
    """Not the first one that is found."""
    HOME.run("ip", "link", "add", "name", 'a"$(b)', "type", "wireguard")
    is_refused("a name with quotes", 'a"$(b)')
    HOME.run("ip", "link", "delete", 'a"$(b)')
    HOME.ip("link add tun7 type wireguard\nlink add tun8 type wireguard\n")
    is_refused("two tunnels", "tun7", "tun8", "--tunnel NAME")
    HOME.ip("link delete tun7\nlink delete tun8\n")
    # Of a setup that was killed while it made keys: no tunnel.
    HOME.ip("link add chatdnat-key type wireguard\n")


@case.case
def a_tunnel_that_is_there():
    which_tunnel()
    HOME.ip("link add tun7 type wireguard\naddr add 10.9.0.1/24 dev tun7\nlink set tun7 up\n")
    HOME.run("wg", "set", "tun7", "listen-port", "4711", "peer", "gGaTWjmcUUPZJPNLsKdMG5dtmyGXMHT+bHlHtSjlPmQ=", "allowed-ips", "10.9.0.2/32,10.8.0.0/24")
    another = ("wg", "set", "tun7", "peer", "kGaTWjmcUUPZJPNLsKdMG5dtmyGXMHT+bHlHtSjlPmQ=")
    HOME.run(*another, "allowed-ips", "10.9.0.3/32")
    is_refused("a tunnel with two peers", "10.9.0.2", "10.9.0.3", "--relay NAME,ADDRESS")
    result = ctl.run("setup", "--relay", "relay.example,10.9.0.3", "--dry-run")
    tap.ok("v4=10.9.0.3" in result.out, "a tunnel with two peers: the relay that is named")
    HOME.run(*another, "remove")
    HOME.run("nft", "add table inet mine; add chain inet mine forward { type filter hook forward priority 0; policy drop; }")
    result = ctl.run("setup", "--relay", "relay.example")
    returns(1, result, "a firewall in the way")
    tap.ok("fail     firewall" in result.out and "then run again: chatdnatctl setup" in result.err, "a firewall in the way: is named, and how to go on")
    HOME.run("nft", "delete table inet mine")
    result = ctl.run("setup")
    tap.ok("there is no /etc/wireguard/tun7.conf" in result.out, "a tunnel that is there: nothing of setup's starts it")
    returns(0, result, "a tunnel that is there")
    tap.equal({name: module.get(name) for name in ("via", "v4", "v6")}, {"via": "tun7", "v4": "10.9.0.2", "v6": ""},
              "a tunnel that is there: the relay is the peer with a single address")
    tap.ok("4711/udp" in OPTIONS.read_text(encoding="ascii"), "a tunnel that is there: its port is open")
    tap.ok("sh <<" not in result.out and not TUNNEL.exists(), "a tunnel that is there: is left as it is")
    returns(0, ctl.run("setup"), "a tunnel that is there: again")
    returns(0, ctl.run("setup", "--undo"), "a tunnel that is there: --undo")
    tap.equal(list(state()), [], "a tunnel that is there: --undo removes all")
    HOME.ip("link delete tun7\n")


SYSTEMCTL = """#!/bin/sh
echo "$*" >>/run/fake/systemctl.log
case "$*" in
"restart relay-routes") sh /etc/wireguard/relay-routes ;;
"start wg-quick@wg0") wg-quick up wg0 ;;
"start awg-quick@awg0") awg-quick up awg0 ;;
esac
"""


def with_systemctl(script):
    """On the relay. Status, output, and what systemctl was told."""
    fake = pathlib.Path("/run/fake")
    fake.mkdir(exist_ok=True)
    (fake / "systemctl").write_text(SYSTEMCTL, encoding="ascii")
    (fake / "systemctl").chmod(0o755)
    (fake / "systemctl.log").unlink(missing_ok=True)
    status, output = on_the_relay(f"PATH={fake}:$PATH\nexport PATH\n{script}")
    return status, output, (fake / "systemctl.log").read_text(encoding="ascii").splitlines()


@case.case
def with_systemd():
    wants = pathlib.Path("/etc/systemd/system")
    links = {wants / "multi-user.target.wants/wg-quick@wg0.service": "wg-quick@.service",
             wants / "sysinit.target.wants/chatdnat.service": "chatdnat.service"}
    template = pathlib.Path("/usr/lib/systemd/system/wg-quick@.service")
    with ctl.unit():
        template.touch()
        result = ctl.run("setup", "--relay", "relay.example")
        returns(0, result, "with systemd")
        for link, unit in links.items():
            tap.ok(link.is_symlink() and os.readlink(link).endswith(f"/systemd/system/{unit}"), f"with systemd: {unit} is enabled")
        tap.ok("  ip link delete wg0; systemctl restart wg-quick@wg0" in result.out.splitlines(),
               "with systemd: says how its unit takes the tunnel over")
        tap.equal(AUTOLOAD.exists(), False, "with systemd: chatdnat.service loads the module")
        result = ctl.run("setup")
        returns(0, result, "with systemd, again")
        tap.ok("no file has changed" in result.out and "systemctl" not in result.out.partition("sh <<")[0], "with systemd, again: changes nothing")
        place.play["relay"].run("wg-quick down wg0")
        status, output, calls = with_systemctl(script_of(result))
        tap.ok(status == 0 and "The tunnel is up" in output, f"with systemd, on the relay {output}")
        tap.ok("--quiet enable relay-routes wg-quick@wg0" in calls, "with systemd, on the relay: both units are enabled")
        result = ctl.run("setup", "--undo")
        returns(0, result, "with systemd, --undo")
        tap.equal([link for link in links if link.is_symlink()] + list(state()), [], "with systemd, --undo: nothing is left")
        template.unlink()
    HOME.run("ip", "link", "delete", "wg0")


# WireGuard's program does not know the parameters: they are kept for the test.
AWG = """#!/bin/sh
case $1 in
addconf | setconf)
    text=$(cat "$3")
    echo "$text" | grep -E '^[JSH][a-z0-9]+ = ' >/etc/amnezia/amneziawg/given
    echo "$text" | grep -vE '^[JSH][a-z0-9]+ = ' >/run/awg.conf
    set -- "$1" "$2" /run/awg.conf ;;
esac
exec /run/awg "$@"
"""
AWG_FILE = pathlib.Path("/etc/amnezia/amneziawg/awg0.conf")
NAMES = ["Jc", "Jmin", "Jmax", "S1", "S2", "H1", "H2", "H3", "H4"]


def parameters(text):
    return re.findall(r"^([JSH][a-z0-9]+) = (\d+)$", text, re.M)


def installs_awg():
    imitated.program("/run/awg")
    quick = pathlib.Path("/usr/bin/wg-quick").read_text(encoding="utf-8")
    for pattern, by in ((r"\bwg\b", "awg"), ("type wireguard", "type amneziawg"), ("/etc/wireguard", "/etc/amnezia/amneziawg")):
        quick = re.sub(pattern, by, quick)
    for name, text in (("awg", AWG), ("awg-quick", quick)):
        path = pathlib.Path("/usr/local/bin") / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)


def refused_without(what, word):
    result = ctl.run("setup", "--relay", "relay.example", "--kind", "amneziawg", "--dry-run")
    returns(1, result, f"AmneziaWG without its {what}, --dry-run")
    result = ctl.run("setup", "--relay", "relay.example", "--kind", "amneziawg")
    returns(1, result, f"AmneziaWG without its {what}")
    tap.ok(word in result.err and not state() and not AWG_FILE.exists() and not result.out,
           f"AmneziaWG without its {what}: says what to install, writes nothing {result.err}")


def within_limits(found):
    tap.equal([name for name, _ in found], NAMES, "AmneziaWG: all parameters are in its file")
    values = {name: int(value) for name, value in found}
    types = [values[name] for name in NAMES[5:]]
    tap.ok(1 <= values["Jc"] <= 128 and values["Jmin"] < values["Jmax"] <= 1280 and values["S1"] + 56 != values["S2"]
           and len(set(types)) == 4 and min(types) > 4 and max(types) < 2 ** 31, f"AmneziaWG: they are within the limits {values}")


@case.case
def amneziawg():
    refused_without("driver", "amneziawg-dkms")
    imitated.module(HOME, "/run/amneziawg.ko", imitated.takes_parameters(3))
    HOME.run("insmod", "/run/amneziawg.ko")
    refused_without("program", "amneziawg-tools")
    installs_awg()
    wish = ("setup", "--relay", "relay.example", "--kind", "amneziawg")
    result = ctl.run(*wish, "--dry-run")
    returns(0, result, "AmneziaWG, --dry-run")
    tap.ok(f"+++ {AWG_FILE}" in result.out and not AWG_FILE.exists(), "AmneziaWG, --dry-run: a diff of its file")
    unit = pathlib.Path("/usr/lib/systemd/system/awg-quick@.service")
    link = pathlib.Path("/etc/systemd/system/multi-user.target.wants/awg-quick@awg0.service")
    with ctl.unit():
        unit.touch()
        result = ctl.run(*wish)
        returns(0, result, "AmneziaWG")
        text = AWG_FILE.read_text(encoding="ascii")
        within_limits(parameters(text))
        tap.equal((os.stat(AWG_FILE).st_mode & 0o777, os.readlink(link) == str(unit), TUNNEL.exists()), (0o600, True, False),
                  "AmneziaWG: its file is root's, its unit is enabled, and none of WireGuard's is written")
        tap.ok("via=awg0" in OPTIONS.read_text(encoding="ascii") and "amneziawg" in HOME.run("ip", "-d", "link", "show", "awg0"), "AmneziaWG: awg0 is of that kind")
        script = script_of(result)
        tap.equal(parameters(script), parameters(text), "AmneziaWG: the relay gets the same parameters")
        place.line.forget()
        status, output, calls = with_systemctl(script)
        tap.ok(status == 0 and "The tunnel is up" in output, f"AmneziaWG, on the relay {output}")
        tap.ok("--quiet enable relay-routes awg-quick@awg0" in calls, "AmneziaWG, on the relay: both units are enabled")
        tap.equal(parameters(place.play["relay"].run("cat /etc/amnezia/amneziawg/given")[1]), parameters(text), "AmneziaWG, on the relay: awg gets them")
        place.serves("AmneziaWG")
        place.hidden("AmneziaWG", home.WIREGUARD)
        before = state(), text
        result = ctl.run("setup")
        returns(0, result, "AmneziaWG, again")
        tap.equal((state(), AWG_FILE.read_text(encoding="ascii"), script_of(result)), (*before, script), "AmneziaWG, again: changes nothing")
        result = ctl.run("setup", "--kind", "wireguard")
        returns(1, result, "AmneziaWG, then WireGuard")
        tap.ok("--undo" in result.err and state() == before[0], f"AmneziaWG, then WireGuard: says how {result.err}")
        HOME.run("ip", "link", "delete", "awg0")
        status, output = place.play["proxy"].run("awg-quick up awg0")
        tap.ok(status == 0 and parameters(AWG_FILE.with_name("given").read_text(encoding="ascii")) == parameters(text), f"AmneziaWG: awg-quick reads the file {output}")
        result = ctl.run("setup", "--undo")
        returns(0, result, "AmneziaWG, --undo")
        tap.equal((AWG_FILE.exists(), link.is_symlink(), state()), (False, False, {}), "AmneziaWG, --undo: removes all")
        unit.unlink()
    HOME.run("ip", "link", "delete", "awg0")
    place.play["relay"].run("awg-quick down awg0")


case.run(setup, EVERY_RELAY)
