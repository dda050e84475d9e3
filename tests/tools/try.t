#!/usr/bin/python3
"""chatdnatctl load, which applies the saved settings."""

import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from lib import case, module, tap

OPTIONS = pathlib.Path("/etc/modprobe.d/chatdnat.conf")
USUAL = {"wan": "eth0", "v4": "10.9.0.2"}
OTHER = "10.9.0.7"


def returns(status, result, name):
    if not tap.equal(result.status, status, f"{name}: exit status {status}"):
        tap.diag(result.out + result.err)


def saved(text):
    OPTIONS.write_text(text, encoding="ascii")


@case.case
def load():
    saved("# mine\noptions chatdnat wan=eth0 v4=10.9.0.2 \\\n  v6=fd00:9::2\n")
    result = ctl.run("load")
    returns(0, result, "load")
    tap.equal({name: module.get(name) for name in ("wan", "v4", "v6")}, {**USUAL, "v6": "fd00:9::2"}, "load: with the saved settings")
    tap.equal(result.out, f"loaded: {module.get('config')}\n", "load: prints them")
    result = ctl.run("load")
    returns(0, result, "load again")
    tap.equal(result.out, "nothing to change: the saved settings are active\n", "load again: says that nothing changes")
    module.configure(wan="eth1", v4=OTHER, guard="full")
    result = ctl.run("load")
    returns(0, result, "load over other settings")
    tap.equal(sorted(result.out.splitlines()), ["guard=off (was: full)", f"v4=10.9.0.2 (was: {OTHER})", "v6=fd00:9::2 (was: empty)",
                                                "wan=eth0 (was: eth1)"], "load over other settings: prints what changed")
    tap.equal(module.get("guard"), "off", "load over other settings: what is not saved takes its default")
    before = module.state()
    saved("options chatdnat wan=eth1\n\noptions chatdnat v4=10.9.0.300\n")
    result = ctl.run("load")
    returns(1, result, "load of what the kernel refuses")
    tap.ok(f"{OPTIONS}, line 3: " in result.err and module.last_error() in result.err and not result.out,
           "load of what the kernel refuses: names file, line and reason")
    tap.equal(module.state(), before, "load of what the kernel refuses: changes nothing")
    module.unload()
    result = ctl.run("load")
    returns(1, result, "load of what the kernel refuses, not loaded")
    tap.ok(f"{OPTIONS}, line 3: v4: '10.9.0.300'" in result.err, "load of what the kernel refuses, not loaded: names file, line and reason")
    saved("options chatdnat wan=eth0\noptions chatdnat gaurd=full v4=10.9.0.2\n")
    result = ctl.run("load")
    returns(1, result, "load of an unknown name")
    tap.ok(f"{OPTIONS}, line 2: gaurd" in result.err and not module.loaded(), "load of an unknown name: is named, nothing is loaded")
    for text, what in (("# none\n", "no options"), (None, "no file")):
        if text:
            saved(text)
        else:
            OPTIONS.unlink()
        result = ctl.run("load")
        returns(1, result, f"load with {what}")
        tap.ok("nothing is saved" in result.err and not module.loaded(), f"load with {what}: says so")
    saved("options chatdnat wan=eth0\n")
    result = ctl.run("load", before=ctl.NOBODY)
    returns(1, result, "load, not root")
    tap.ok("needs root" in result.err and not module.loaded(), "load, not root: says so")
    OPTIONS.unlink()


OPTIONS.unlink(missing_ok=True)
case.run(known_relays={"10.9.0.2"}, seconds=120)
