"""
Does what an operator's guide says: writes its files and runs its commands, in the order of the text.

The info string of a code block says where it belongs: `sh HOST` runs the lines one by one, `LANG HOST PATH` is that
file, and HOST may be several, separated by commas. A last word `untried` is for what the test's machine does not have.
Blocks without a host are for the eye.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
for library in ("tools", "e2e"):
    sys.path.insert(0, str(ROOT / "tests" / library))
# pylint: disable=wrong-import-position
from lib import net, tap

BLOCK = re.compile(r"^( *)```(\w+) ([^\n]+)\n(.*?)^ *```$", re.S | re.M)
# What one host prints for the other's file, and where it keeps it.
TOLD = {"PUBLIC_KEY": "/etc/wireguard/public.key", "FINGERPRINT": "/etc/openvpn/tunnel.fingerprint"}
# What every Debian has, for `ip netns exec` to lay a host's own over it.
ETC = ("amnezia/amneziawg", "fail2ban/jail.d", "modprobe.d", "modules-load.d", "openvpn", "sysctl.d", "systemd/networkd.conf.d", "systemd/system",
       "wireguard")


class Block:
    def __init__(self, section, language, info, text):
        words = info.split()
        self.tried = words[-1] != "untried"
        if not self.tried:
            words.pop()
        self.section, self.language, self.text = section, language, text
        self.hosts = words[0].split(",")
        self.path = words[1] if len(words) > 1 else None

    def commands(self):
        """One a line, without the comments, a trailing backslash joins."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def blocks(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    headings = [(found.start(), found[1]) for found in re.finditer(r"^#+ (.+)$", text, re.M)]
    found = []
    for match in BLOCK.finditer(text):
        # A comment in a file looks like a heading; the real ones are outside of all blocks.
        section = [title for start, title in headings if start < match.start()
                   and not any(start > b.start() and start < b.end() for b in BLOCK.finditer(text))][-1]
        body = re.sub(f"^{match[1]}", "", match[4], flags=re.M)
        found.append(Block(section, match[2], match[3], body))
    return found


class Host:
    """One of a guide's machines: the test's own, or a namespace with an /etc of its own."""

    def __init__(self, name, ns):
        self.name, self.ns = name, ns
        self.own = ns is net.HOME
        self.etc = pathlib.Path("/etc") if self.own else pathlib.Path("/etc/netns") / ns.name
        for directory in ETC:
            os.makedirs(f"/etc/{directory}", exist_ok=True)
            os.makedirs(self.etc / directory, exist_ok=True)

    def file(self, path):
        return self.etc / pathlib.Path(path).relative_to("/etc")

    def enter(self):
        """What starts a program there."""
        return [] if self.own else ["ip", "netns", "exec", self.ns.name]

    def run(self, command, timeout=60):
        """Status and output of a line of shell."""
        path = f"{ROOT}/build/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run([*self.enter(), "sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, env={**os.environ, "PATH": path}, text=True, check=False,
                              timeout=timeout)
        return done.returncode, done.stdout


class Play:
    """A guide's hosts, and what has been tried on them."""

    def __init__(self, **hosts):
        self.hosts = {name.replace("_", "-"): Host(name.replace("_", "-"), ns) for name, ns in hosts.items()}
        self.output = {}

    def __getitem__(self, name):
        return self.hosts[name]

    def guide(self, name, *sections, change=lambda text: text):
        """Every block, or those of some sections; `change` is the editing that the guide leaves to its reader."""
        known = {block.section for block in blocks(name)}
        if set(sections) - known:
            raise KeyError(f"{name}: no code in section {set(sections) - known}, only in {known}")
        for block in blocks(name):
            if sections and block.section not in sections:
                continue
            for host in block.hosts:
                self._block(name, block, host, change)

    def _block(self, name, block, host, change):
        where = f"{name}: {host}"
        if not block.tried or host not in self.hosts:
            why = "not in this machine" if not block.tried else "no such host here"
            for what in [block.path] if block.path else block.commands():
                tap.skip(f"{where}: {what}", why)
        elif block.path:
            path = self[host].file(block.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            if str(pathlib.Path(block.path).parent) == "/etc":
                # A namespace's own file is laid over one that is there.
                pathlib.Path(block.path).touch()
            path.write_text(self._keys(change(block.text)), encoding="utf-8")
            tap.ok(True, f"{where}: {block.path}")
        else:
            for command in block.commands():
                self.command(where, self[host], command)

    def command(self, where, host, command):
        if command.startswith("make "):
            tap.skip(f"{where}: {command}", "no compiler in this machine")
            return
        if "chatdnatctl check" in command and not self._has_check():
            tap.skip(f"{where}: {command}", "chatdnatctl has no such command")
            return
        status, output = host.run(command)
        self.output[command] = output
        if not tap.ok(status == 0, f"{where}: {command}"):
            tap.diag(f"status {status}: {output}")

    def _has_check(self):
        return next(iter(self.hosts.values())).run("chatdnatctl check --help")[0] == 0

    def _keys(self, text):
        def key(found):
            host = self[found[1].lower().replace("_", "-")]
            return host.file(TOLD[found[2]]).read_text(encoding="ascii").strip()
        return re.sub(rf"\b([A-Z_]+)_({'|'.join(TOLD)})\b", key, text)
