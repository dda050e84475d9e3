#!/usr/bin/python3
"""The rules that keep a host closed, loaded by the commands of chatdnat-closed.service: with the operator's own, and with an error in them."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from lib import tap

UNIT = (ctl.ROOT / "systemd/chatdnat-closed.service").read_text(encoding="ascii")
OPERATOR = pathlib.Path("/etc/chatdnat/closed.d")
NFT = ("nft", "list", "table", "inet", "chatdnat_closed")
# The checkout's rules where a package has them.
IN_PLACE = ("unshare", "-m", "sh", "-ec", 'mkdir -p /usr/lib/chatdnat; mount --bind "$0" /usr/lib/chatdnat; exec "$@"', ctl.ROOT / "systemd")


def run(*command):
    return subprocess.run([*IN_PLACE, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True,
                          stdin=subprocess.DEVNULL)


def unit(what):
    """Runs the commands as systemd does: one that fails is the last, but for those with a '-'. Status and text."""
    text = ""
    for dash, command in re.findall(rf"^{what}=(-?)(.*)$", UNIT, re.MULTILINE):
        done = run(*shlex.split(command))
        text += done.stdout
        if done.returncode and not dash:
            return done.returncode, text
    return 0, text


def reaches(port, expected):
    """A client's first segment: nobody listens, so who gets in is refused."""
    limit = 60 if expected else 2
    done = run("ip", "netns", "exec", "client", "socat", "-u", "OPEN:/dev/null", f"TCP:192.0.2.1:{port},connect-timeout={limit}")
    return "refused" in done.stdout


def closed(name, *ports):
    tap.equal([port for port in (7, 22, 2222) if reaches(port, port in ports)], list(ports), f"{name}: only these ports are open")
    tap.equal(len(re.findall("policy drop", run(*NFT).stdout)), 2, f"{name}: nothing is forwarded")


def main():
    for command in ("ip netns add client", "ip link add wan type veth peer name eth0 netns client", "ip address add 192.0.2.1/24 dev wan",
                    "ip link set wan up", "ip -n client address add 192.0.2.2/24 dev eth0", "ip -n client link set eth0 up"):
        subprocess.run(command.split(), check=True)
    OPERATOR.mkdir(parents=True, exist_ok=True)
    tap.equal(unit("ExecStart"), (0, ""), "without rules of the operator's: the unit starts")
    closed("without", 22)
    mine = OPERATOR / "mine.nft"
    mine.write_text("tcp dport 2222 accept\n", encoding="ascii")
    check, = re.findall("^/usr/lib/chatdnat/closed-rules .*", (ctl.ROOT / "docs/boot.md").read_text(encoding="utf-8"), re.MULTILINE)
    tap.equal(run(*check.split()).returncode, 0, "docs/boot.md has what checks them")
    tap.equal(unit("ExecReload"), (0, ""), "with rules of the operator's: the unit reloads")
    closed("with them", 22, 2222)
    mine.write_text("tcp dport 2222 accept", encoding="ascii")
    tap.equal(unit("ExecReload"), (0, ""), "with rules that do not end in a newline: the unit reloads")
    closed("with them", 22, 2222)
    # nft would wait for who writes into it.
    pipe, gone = OPERATOR / "pipe.nft", OPERATOR / "gone.nft"
    os.mkfifo(pipe)
    gone.symlink_to("/nonexistent")
    status, text = unit("ExecReload")
    tap.equal((status, sorted(text.splitlines())),
              (0, [f"chatdnat-closed: {path} is not a regular file: its rules are not loaded" for path in (gone, pipe)]),
              "with a named pipe, and a link to nothing: the unit reloads, and says so")
    closed("with them", 22, 2222)
    for path in (pipe, gone):
        path.unlink()
    other = OPERATOR / "other.nft"
    other.write_text("tcp dport 2222 accept\ntcp dport 2223 acept\n", encoding="ascii")
    tap.ok(run(*check.split()).returncode, "docs/boot.md has what finds an error")
    for what in ("ExecReload", "ExecStart"):
        tap.equal(unit("ExecStopPost"), (0, ""), "the host is opened")
        status, text = unit(what)
        tap.equal(status, 0, f"{what} with an error in them: the unit does not fail")
        tap.ok(f"{other}:2:" in text and "acept" in text, "it says where the error is")
        closed("with an error", 22)
    tap.equal(unit("ExecStopPost"), (0, ""), "the host is opened")
    tap.ok(run(*NFT).returncode, "no rule is left")
    tap.done()


main()
