#!/usr/bin/python3
"""The script that chatdnatctl setup prints for the relay: plain POSIX shell, with nothing for shellcheck to say."""

import json
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

KEY = "gGaTWjmcUUPZJPNLsKdMG5dtmyGXMHT+bHlHtSjlPmQ="
# In a network of its own, and with a manifest that no setup has written.
ALONE = 'mount -t tmpfs none /var/lib; mkdir /var/lib/chatdnat; cp "$1" /var/lib/chatdnat/; exec "$2" setup --script'
CASES = {
    "both families": {"relay": "relay.example,10.9.0.2,fd00:9::2", "address": "203.0.113.1,2001:db8::1"},
    "IPv4": {"relay": "10.9.0.2", "address": "203.0.113.1"},
    "IPv6": {"relay": "fd00:9::2", "address": "2001:db8::1", "tunnel": "wg-mail.1"},
    "AmneziaWG": {"relay": "10.9.0.2", "address": "203.0.113.1", "tunnel": "awg0", "kind": "amneziawg",
                  "amneziawg": {"Jc": 4, "Jmin": 40, "Jmax": 70, "S1": 86, "S2": 57, "H1": 5, "H2": 6, "H3": 7, "H4": 2147483647}},
}

# A relay without systemd, whose tunnel answers at once: what the script does there, twice.
RELAY = """
for place in /etc /run; do mount -t tmpfs none $place; done
mkdir /run/fake
echo 'case $1 in up) ip link add wg0 type veth peer name end ;; *) ip link delete wg0 ;; esac' >/run/fake/wg-quick
echo 'printf "KEY\\t1\\n"' >/run/fake/wg
chmod +x /run/fake/*
PATH=/run/fake:$PATH
mkdir -m 700 /etc/wireguard
printf 'tcp 6 TCP\\nudp 17 UDP\\n' >/etc/protocols
umask 077
rules() { for family in -4 -6; do ip $family rule | sed -n 's/^\\([1-4]00:\\).*/\\1/p'; done | tr '\\n' ' '; }
"""
MODES = "".join(f"{mode} {path}\n" for path, mode in {
    "/etc/wireguard/wg0.conf": 600, "/etc/wireguard/relay-routes": 644, "/etc/systemd": 755, "/etc/systemd/system": 755,
    "/etc/systemd/system/relay-routes.service": 644, "/etc/systemd/networkd.conf.d": 755,
    "/etc/systemd/networkd.conf.d/90-relay-routes.conf": 644}.items())
BOTH = "100: 200: 300: 400: 200: 300: 400: "


def runs(name, shell, script):
    """In a network of its own, as root and as somebody else."""
    done = host.run("unshare", "-nm", "sh", "-ec", RELAY + 'for n in 1 2; do $1 "$2"; done; rules', "sh", shell, script)
    tap.equal((done.text.count("The tunnel is up"), done.text.count("wrote "), done.text.count("nothing to change"), done.text.splitlines()[-1:]),
              (2, 4, 1, [BOTH]), f"{name}: {shell} runs it twice, with the same result")
    done = host.run("unshare", "-nm", "sh", "-ec", RELAY + '$1 "$2" >/dev/null; stat -c "%a %n" $3', "sh", shell, script,
                    " ".join(line.split()[1] for line in MODES.splitlines()))
    tap.equal(done.text, MODES, f"{name}: {shell}: systemd, which is not root everywhere, can read its files, and nobody the key")
    done = host.run("unshare", "-nm", "sh", "-ec", RELAY + 'umask 022; cp "$2" /run/script; setpriv --reuid=65534 --clear-groups $1 /run/script || echo $?; find /etc -type f ! -name protocols',
                    "sh", shell, script)
    tap.equal(done.text, "run this as root\n1\n", f"{name}: {shell}: not root")
    done = host.run("unshare", "-nm", "sh", "-ec", RELAY + 'echo "echo $3" >/run/fake/wg; $1 "$2" || echo $?; find /etc -type f ! -name protocols', "sh", shell, script, KEY)
    tap.equal(done.text, "this is the proxy: run this on the relay\n1\n", f"{name}: {shell}: on the proxy by mistake")
    for what, shown in (("rule add priority 200 from 192.0.2.1 lookup main", "rule show priority 200"), ("route add 192.0.2.0/24 dev lo table 100", "route show table 100")):
        done = host.run("unshare", "-nm", "sh", "-ec", RELAY + 'ip link set lo up; ip $3; $1 "$2" || echo $?; ip $4; find /etc -type f ! -name protocols',
                        "sh", shell, script, what, shown)
        if not tap.ok("priorities 100, 200, 300 and 400, and the table 100" in done.text and done.text.count("192.0.2.") == 2
                      and "/etc/" not in done.text.split("\n1\n")[-1], f"{name}: {shell}: a {what.split()[0]} of somebody else stays, and is named"):
            tap.diag(done.text)


# What is there already: a tunnel of the same name, whose file says what to do at its end.
FORMER = RELAY + """
for place in ${HIDDEN-}; do [ ! -e $place ] || mount --bind /etc/protocols $place; done
echo 'echo "$1" "$2" of "$(head -n 1 /etc/wireguard/wg0.conf)" >>/run/quick; case $1 in up) [ -n "${DEAD-}" ] || ip link add "$2" type veth ;; *) ip link delete "$2" ;; esac' >/run/fake/wg-quick
tells() { $1 "$2" || echo "status $?"; }
"""


def former(shell, script):
    done = host.run("unshare", "-nm", "sh", "-ec", FORMER + """
echo mine >/etc/wireguard/wg0.conf; ip link add wg0 type veth peer name end; tells "$1" "$2" 2>&1
echo other >/etc/wireguard/wg0.conf; tells "$1" "$2" 2>&1
head /etc/wireguard/wg0.conf.before-chatdnat*; cat /run/quick""", "sh", shell, script)
    if not tap.ok("==> /etc/wireguard/wg0.conf.before-chatdnat <==\nmine\n" in done.text and "==> /etc/wireguard/wg0.conf.before-chatdnat2 <==\nother\n" in done.text
                  and "is kept as /etc/wireguard/wg0.conf.before-chatdnat2\n" in done.text and "status" not in done.text,
                  f"{shell}: former files are kept, each under a name of its own"):
        tap.diag(done.text)
    tap.ok("down wg0 of mine\n" in done.text and "down wg0 of other\n" in done.text, f"{shell}: a former tunnel ends by its own file")
    done = host.run("unshare", "-nm", "sh", "-ec", FORMER + 'ip link add wg0 type veth peer name end; tells "$1" "$2"; ls /etc/wireguard; ip -o link show wg0', "sh", shell, script)
    tap.ok(done.text.startswith("The interface wg0 is there, and no /etc/wireguard/wg0.conf") and "status 1\n" in done.text and " wg0@" in done.text.splitlines()[-1]
           and len(done.text.splitlines()) == 3, f"{shell}: an interface of another program stays, and nothing is written")
    done = host.run("unshare", "-nm", "sh", "-ec", FORMER + 'echo >/etc/wireguard/relay-routes; ip link add old type veth; ip link set old up; ip route add default dev old table 100; tells "$1" "$2"; cat /run/quick; ip link', "sh", shell, script)
    if not tap.ok("the former tunnel old ends\n" in done.text and "\ndown old of " in done.text and ": old@" not in done.text and "The tunnel is up" in done.text, f"{shell}: a former tunnel of another name ends"):
        tap.diag(done.text)
    done = host.run("unshare", "-nm", "sh", "-ec", FORMER + 'echo mine >/etc/wireguard/wg0.conf; export DEAD=1; tells "$1" "$2"; rules', "sh", shell, script)
    if not tap.ok("The interface wg0 does not start" in done.text and "Former files: /etc/wireguard/wg0.conf.before-chatdnat\n" in done.text
                  and done.text.endswith("status 1\n"), f"{shell}: a tunnel that does not start is not the proxy's fault"):
        tap.diag(done.text)
    done = host.run("unshare", "-nm", "sh", "-ec", FORMER + 'echo >/etc/wireguard/relay-routes; ip link add old type veth; ip link set old up; ip route add default dev old table 100; ip -6 route add default dev old table 100; export DEAD=1; tells "$1" "$2"', "sh", shell, script)
    if not tap.ok("Former tunnels, which are off now: old\n" in done.text and done.text.endswith("status 1\n"), f"{shell}: where the new one does not start, a former tunnel is named"):
        tap.diag(done.text)
    done = host.run("unshare", "-nm", "sh", "-ec", "HIDDEN='/usr/bin/apt-get /usr/bin/wg-quick'\n" + FORMER + 'rm /run/fake/wg-quick; tells "$1" "$2"; ls /etc/wireguard', "sh", shell, script)
    if not tap.equal(done.text, "Install the packages that have wg-quick (wireguard-tools) and /etc/protocols (netbase, or iana-etc), then run this again.\nstatus 1\n",
                     f"{shell}: without apt it says what to install"):
        tap.diag(done.text)


def put(text, top):
    """What the script writes: systemd has to read what is not the tunnel's, whatever the umask."""
    function = re.search(r"^keep\(\) \{\n.*?^put\(\) \{\n.*?^\}\n", text, re.M | re.S)[0]
    for mode, name in (("600", "a/tunnel"), ("644", "b/c/drop-in")):
        script = f"set -eu\numask 077\n{function}put {mode} {top}/put/{name} <<'END'\ntext\nEND\n"
        host.works(f"put {mode}", "sh", "-c", script)
        path = pathlib.Path(top) / "put" / name
        tap.equal((oct(path.stat().st_mode & 0o777), path.read_text(encoding="ascii")), (f"0o{mode}", "text\n"), f"put {mode}: the file")
        tap.equal(oct(path.parent.stat().st_mode & 0o777), "0o755", f"put {mode}: its directory")


def without_apt(shell, script):
    """AmneziaWG is there, and the names of protocols are not."""
    done = host.run("unshare", "-nm", "sh", "-ec", "HIDDEN=/usr/bin/apt-get\n" + FORMER + 'mv /run/fake/wg-quick /run/fake/awg-quick; mv /run/fake/wg /run/fake/awg; rm /etc/protocols; tells "$1" "$2"; find /etc -type f', "sh", shell, script)
    if not tap.equal(done.text, "Install the package that has /etc/protocols (netbase, or iana-etc), then run this again.\nstatus 1\n",
                     f"AmneziaWG: {shell}: without apt it says what to install"):
        tap.diag(done.text)


def damaged(tool, top):
    """A manifest with parameters that setup does not write."""
    manifest = pathlib.Path(top) / "setup.json"
    good = json.loads(manifest.read_text(encoding="ascii"))
    for what, value in (("a number of 33 bits", {**good["amneziawg"], "H4": 2 ** 32 + 5}), ("a negative number", {**good["amneziawg"], "Jc": 4 - 2 ** 32}),
                        ("a text", {**good["amneziawg"], "Jc": "4"}), ("two types that are equal", {**good["amneziawg"], "H1": 6}), ("none", {}), ("no object", [4])):
        manifest.write_text(json.dumps({**good, "amneziawg": value}), encoding="ascii")
        done = host.run("unshare", "-nm", "sh", "-ec", ALONE, "sh", manifest, tool)
        tap.ok(done.status == 1 and "setup.json is damaged" in done.text, f"AmneziaWG's parameters, {what}: the manifest is damaged")


def main():
    tool = host.ROOT / "build" / "tools" / "chatdnatctl"
    host.works("the tool is built", "make", "-s", "-C", "tools")
    with host.temporary() as top:
        for name, wishes in CASES.items():
            manifest = pathlib.Path(top) / "setup.json"
            keys = {f"{end}_{kind}_key": KEY for end in ("proxy", "relay") for kind in ("private", "public")}
            manifest.write_text(json.dumps({"wan": "lo", **wishes, "made_tunnel": wishes.get("tunnel", "wg0"), **keys, "files": []}), encoding="ascii")
            done = host.works(f"{name}: is printed", "unshare", "-nm", "sh", "-ec", ALONE, "sh", manifest, tool)
            script = pathlib.Path(top) / "relay.sh"
            script.write_text(done.text, encoding="ascii")
            tap.equal(re.findall(r"@[A-Z_]*@", done.text), [], f"{name}: every word is replaced")
            host.works(f"{name}: shellcheck", "shellcheck", "-s", "sh", script)
            for shell in ("dash", "busybox sh", "bash --posix"):
                host.works(f"{name}: {shell} reads it", *shell.split(), "-n", script)
            tap.ok("\t" not in done.text, f"{name}: no tab, which completes names in a shell that it is pasted into")
            jump = "root@[2001:db8::1]" if name == "IPv6" else "root@203.0.113.1"
            tap.ok(f"ssh -J {jump} root@" in done.text, f"{name}: the way in by SSH")
            if name == "both families":
                # busybox would run its own ip.
                for shell in ("dash", "bash --posix"):
                    runs(name, shell, script)
                    former(shell, script)
            if name == "AmneziaWG":
                for shell in ("dash", "bash --posix"):
                    without_apt(shell, script)
            tap.equal(set(re.findall(r"\b(a?wg)(?:-quick)? ?[a-z@]", done.text.replace("in wg-quick awg-quick", ""))), {"awg" if name == "AmneziaWG" else "wg"}, f"{name}: the programs of its kind")
            tap.equal("/etc/amnezia/amneziawg/awg0.conf <<" in done.text and "\nH4 = 2147483647\nPostUp" in done.text, name == "AmneziaWG",
                      f"{name}: the file of its kind")
            routes = done.text.split("/etc/wireguard/relay-routes <<'END'\n", 1)[-1].split("\nEND\n")[0]
            script.write_text(f"{routes}\n", encoding="ascii")
            host.works(f"{name}: sh reads its routes", "sh", "-n", script)
        put(done.text, top)
        damaged(tool, top)
    tap.done()


main()
