#!/usr/bin/python3
"""OpenWrt's service, in busybox's ash and with the real module: /etc/config/chatdnat becomes the active configuration."""

import json
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(os.path.realpath(__file__)).parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e")]
# pylint: disable=wrong-import-position
from lib import module, tap

FILES = ROOT / "packaging" / "openwrt" / "chatdnat" / "files"
UCI = pathlib.Path("/tmp/uci")
# A value for each setting that is not its default, as the module reads it back.
VALUES = {"wan": "eth0,ppp+", "v4": "10.9.0.2,10.9.0.3@192.0.2.1", "v6": "fd00:9::2", "ports": "25,993,40000-50000,3478/udp",
          "scope": "any", "masquerade": "all", "guard": "full", "allow": "22,51820/udp", "mss": "1300", "via": "wg0",
          "stale": "keep", "enabled": "0", "hairpin": "1", "log": "drops", "fast": "on", "engine": "auto"}


class Done:
    def __init__(self, action):
        done = subprocess.run(["busybox", "ash", HERE / "rc.common", FILES / "chatdnat.init", action], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={"PATH": os.environ["PATH"], "UCI": str(UCI)}, cwd="/src")
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr


def uci(*lines):
    UCI.mkdir(exist_ok=True)
    (UCI / "chatdnat").write_text("config chatdnat 'main'\n" + "".join(f"\t{line}\n" for line in lines), encoding="ascii")


def applied(action, config, what):
    done = Done(action)
    tap.equal((done.status, done.err), (0, ""), what)
    tap.equal({name: module.get(name) for name in config} if module.loaded() else None, config, f"{what}: it is active")
    return done


def refused(reason, what):
    """That a reload fails, says why, and changes nothing."""
    before, was = module.get("config"), module.SYSFS.stat().st_ino
    done = Done("reload")
    if not tap.ok(done.status and re.search(reason, done.err), f"{what}: refused, with the reason"):
        tap.diag(f"{done.status} {done.out} {done.err}")
    tap.equal((module.get("config"), module.SYSFS.stat().st_ino), (before, was), f"{what}: what was active stays")


def defaults():
    (UCI / "chatdnat").write_bytes((FILES / "chatdnat.config").read_bytes())
    done = applied("start", {"wan": "", "v4": ""}, "as it is installed: idle")
    tap.equal(done.out, "trigger: chatdnat\nprocd: set\n", "a change of the file makes procd reload the service")
    # What is proposed there, with its comment signs removed.
    text = re.sub(r"^#\t", "\t", (FILES / "chatdnat.config").read_text(encoding="ascii"), flags=re.M)
    (UCI / "chatdnat").write_text(text, encoding="ascii")
    applied("reload", {"wan": "pppoe-wan", "v4": "192.168.1.10", "hairpin": "1"}, "the lines that it proposes")


def guide():
    text = (ROOT / "docs" / "router.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```conf proxy /etc/config/chatdnat [^\n]*\n(.*?)^```", text, re.M | re.S)
    tap.equal(len(blocks), 1, "docs/router.md has a configuration")
    (UCI / "chatdnat").write_text(blocks[0], encoding="ascii")
    applied("reload", {"wan": "pppoe-wan", "v4": "192.168.1.10", "hairpin": "1", "v6": ""}, "docs/router.md")


def settings():
    tap.equal(set(VALUES), set(module.SETTINGS), "a value for each setting")
    uci(*(f"option {name} '{value}'" for name, value in VALUES.items()))
    applied("reload", VALUES, "every setting as an option")
    uci(*(f"list {name} '{value}'" for name, values in VALUES.items() for value in values.split(",")))
    applied("reload", VALUES, "every setting as a list")
    uci(*(f"option {name} '{value.replace(',', ' ')}'" for name, value in VALUES.items()))
    applied("reload", VALUES, "every setting as an option with blanks")
    uci("option wan 'eth0'", "option guard 'full'", "option allow ''")
    applied("reload", {"wan": "eth0", "guard": "full", "allow": "", "v4": "", "stale": "flush"},
            "an empty option is empty, one that is gone has its default")


def patterns():
    uci("list wan '*'", "list wan 'ppp+'")
    applied("reload", {"wan": "*,ppp+"}, "an asterisk is not the names of files")


def whole():
    """Longer than what a C library buffers."""
    ports = [f"{port}/udp" for port in range(40001, 40257, 2)]
    uci("option wan 'eth0'", "option v4 '10.9.0.2'", *(f"list ports '{port}'" for port in ports))
    applied("reload", {"wan": "eth0", "v4": "10.9.0.2", "ports": ",".join(ports)}, "a long line in one write")


def refusals():
    for lines, reason, what in (
            (["option wan 'eth0'", "option ports '70000'"], r"ports: .*70000", "a value that is wrong"),
            (["option guards 'full'"], "guards", "an option that does not exist"),
            (["option v4 '10.9.0.2\nguard=off'"], r"v4: .*guard=off", "another setting inside a value"),
            (["option v4 '10.9.0.2'", "option wan 'eth0'", "list v4 '10.9.0.3'"], "v4", "an option twice"),
            (["config chatdnat 'other'"], "one section", "two sections"),
            (["config globals 'other'"], "one section .*globals", "another kind of section"),
            (["option wan 'eth0"], "cannot be read", "a file that is broken")):
        uci(*lines)
        refused(reason, what)
    (UCI / "chatdnat").unlink()
    refused("cannot be read", "no file")


def tool():
    """It proposes nothing that OpenWrt does not read."""
    uci("option wan 'eth0'", "option v4 '10.9.0.2'")
    applied("reload", {"wan": "eth0"}, "before the tool runs")

    def saved():
        done = subprocess.run([module.TOOL, "check", "--json"], check=False, stdout=subprocess.PIPE)
        return next(each for each in json.loads(done.stdout)["checks"] if each["check"] == "saved")

    tap.equal(saved()["id"], "not-saved", "chatdnatctl elsewhere: the configuration is not saved")
    pathlib.Path("/etc/rc.common").touch()
    pathlib.Path("/etc/config").mkdir()
    pathlib.Path("/etc/config/chatdnat").write_bytes((UCI / "chatdnat").read_bytes())
    tap.equal(saved()["result"], "skipped", "chatdnatctl on OpenWrt: that is not its business")
    done = subprocess.run([module.TOOL, "save"], check=False, stderr=subprocess.PIPE, text=True)
    tap.equal((done.returncode, done.stderr),
              (1, "chatdnatctl: save: at boot the configuration comes from /etc/config/chatdnat: change it there\n"),
              "chatdnatctl save on OpenWrt: refused")
    tap.ok(not os.path.exists("/etc/modprobe.d/chatdnat.conf"), "nothing is written")


def unloading():
    done = Done("stop")
    tap.equal((done.status, done.err, module.loaded()), (0, "", False), "stop: unloads the module")
    done = Done("stop")
    tap.equal((done.status, done.err), (0, ""), "stop once more")
    uci("option wan 'eth0'")
    applied("reload", {"wan": "eth0"}, "reload: loads it")
    was = module.SYSFS.stat().st_ino
    uci("option wan 'eth1'")
    applied("reload", {"wan": "eth1"}, "reload once more")
    tap.equal(module.SYSFS.stat().st_ino, was, "reload: does not unload it")
    applied("restart", {"wan": "eth1"}, "restart")


def main():
    UCI.mkdir()
    for test in (defaults, guide, settings, patterns, whole, refusals, tool, unloading):
        test()
    tap.done()


main()
