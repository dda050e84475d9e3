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
}


def put(text, top):
    """What the script writes: systemd has to read what is not the tunnel's, whatever the umask."""
    function = re.search(r"^put\(\) \{\n.*?^\}\n", text, re.M | re.S)[0]
    for mode, name in (("600", "a/tunnel"), ("644", "b/c/drop-in")):
        script = f"set -eu\numask 077\n{function}put {mode} {top}/put/{name} <<'END'\ntext\nEND\n"
        host.works(f"put {mode}", "sh", "-c", script)
        path = pathlib.Path(top) / "put" / name
        tap.equal((oct(path.stat().st_mode & 0o777), path.read_text(encoding="ascii")), (f"0o{mode}", "text\n"), f"put {mode}: the file")
        tap.equal(oct(path.parent.stat().st_mode & 0o777), "0o755", f"put {mode}: its directory")


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
            tap.equal("@" in done.text.replace("wg-quick@", "").replace("root@", ""), False, f"{name}: every word is replaced")
            host.works(f"{name}: shellcheck", "shellcheck", "-s", "sh", script)
            for shell in ("dash", "busybox sh", "bash --posix"):
                host.works(f"{name}: {shell} reads it", *shell.split(), "-n", script)
            tap.ok("\t" not in done.text, f"{name}: no tab, which completes names in a shell that it is pasted into")
            jump = "root@[2001:db8::1]" if name == "IPv6" else "root@203.0.113.1"
            tap.ok(f"ssh -J {jump} root@" in done.text, f"{name}: the way in by SSH")
            routes = done.text.split("/etc/wireguard/relay-routes <<'END'\n", 1)[-1].split("\nEND\n")[0]
            script.write_text(f"{routes}\n", encoding="ascii")
            host.works(f"{name}: sh reads its routes", "sh", "-n", script)
        put(done.text, top)
    tap.done()


main()
