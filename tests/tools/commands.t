#!/usr/bin/python3
"""chatdnatctl's commands on the real module: what they print, change, refuse and return."""

import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from lib import case, module, tap

OPTIONS = "/etc/modprobe.d/chatdnat.conf"
AUTOLOAD = "/etc/modules-load.d/chatdnat.conf"
USUAL = {"wan": "eth0", "v4": "10.9.0.2"}


def returns(status, result, name):
    if not tap.equal(result.status, status, f"{name}: exit status {status}"):
        tap.diag(result.out + result.err)


def quiet(result, name):
    returns(0, result, name)
    tap.equal((result.out, result.err), ("", ""), f"{name}: prints nothing")


def refused(result, name):
    returns(1, result, name)
    reason = module.last_error()
    tap.ok(reason and reason in result.err, f"{name}: the kernel's reason on stderr")
    tap.equal(result.out, "", f"{name}: nothing on stdout")


def forget():
    for path in (OPTIONS, AUTOLOAD):
        if os.path.exists(path):
            os.unlink(path)


@case.case
def usage():
    module.load(**USUAL)
    before = module.state()
    for args in (["nonsense"], ["--nonsense"], ["set"], ["set", "v4"], ["set", "v4=10.9.0.3", "v6"], ["set", "--json", "v4="],
                 ["show", "v4", "v6"], ["show", "--names", "v4"], ["status", "x"], ["save", "x"], ["show", "--dry-run"],
                 ["save", "--json"], ["check", "x"], ["check", "--dry-run"], ["check", "--probe", "nonsense"]):
        result = ctl.run(*args)
        returns(2, result, " ".join(args))
        tap.ok(result.err.startswith("chatdnatctl: ") and not result.out, f"{' '.join(args)}: told on stderr")
    tap.equal(module.state(), before, "wrong usage changes nothing")
    for args in (["--help"], ["set", "--help"], ["show", "-h"], ["status", "--help"], ["check", "--help"], ["save", "--help"]):
        result = ctl.run(*args)
        returns(0, result, " ".join(args))
        tap.ok(result.out.startswith("Usage: chatdnatctl") and not result.err, f"{' '.join(args)}: on stdout")
    for args in (["--version"], ["-V"], ["-v"], ["version"]):
        tap.equal(ctl.run(*args).out, f"chatdnatctl {ctl.VERSION}\n", " ".join(args))
    tap.equal(ctl.run("help").out, ctl.run("--help").out, "help")
    tap.equal(ctl.run("help", "set").out, ctl.run("set", "--help").out, "help COMMAND")
    tap.equal(ctl.run("help", "nonsense").status, 2, "help of no command")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([ctl.TOOL, "show"], stdout=full, stderr=subprocess.PIPE, check=False)
    tap.equal(done.returncode, 1, "output that cannot be written: exit status 1")


@case.case
def not_loaded():
    for args in ([], ["status"], ["show"], ["show", "v4"], ["set", "v4=10.9.0.2"], ["save"]):
        result = ctl.run(*args)
        name = "not loaded: " + " ".join(args or ["status"])
        returns(1, result, name)
        tap.ok("not loaded" in result.err and "modprobe chatdnat wan=" in result.err, f"{name}: says how to load it")
    result = ctl.run("--json")
    returns(1, result, "not loaded: --json")
    tap.equal(result.json()["loaded"], False, "not loaded: --json says so")
    tap.ok(not os.path.exists(OPTIONS), "not loaded: nothing is saved")


@case.case
def show():
    module.load(**USUAL, ports="chatmail,turn")
    line = module.get("config")
    tap.equal(ctl.run("show").out, line.replace(" ", "\n") + "\n", "show: one setting a line")
    tap.equal(ctl.run("show", "config").out, line + "\n", "show config")
    for name in module.SETTINGS:
        tap.equal(ctl.run("show", name).out, module.get(name) + "\n", f"show {name}")
        tap.equal(ctl.run("show", name, "--json").json(), {name: module.get(name)}, f"show {name} --json")
    tap.equal(ctl.run("show", "--names").out.split(), list(module.SETTINGS), "show --names")
    tap.equal(ctl.run("show", "--names", "--json").json(), list(module.SETTINGS), "show --names --json")
    tap.equal(ctl.run("--json", "show").json(), {name: module.get(name) for name in module.SETTINGS}, "show --json")
    tap.equal(ctl.run("show", "version").out, ctl.VERSION + "\n", "show version")
    tap.equal(ctl.run("show", "last_error").out, "\n", "show last_error")
    stats = {family: module.stats(family) for family in module.FAMILIES}
    tap.equal(ctl.run("show", "stats", "--json").json(), stats, "show stats --json")
    tap.equal(sorted(ctl.run("show", "stats").out.split()),
              sorted(f"{family}.{name}={value}" for family in stats for name, value in stats[family].items()), "show stats")
    for name in ("nonsense", "../version", ".", ""):
        result = ctl.run("show", name)
        returns(1, result, f"show '{name}'")
        tap.equal(result.out, "", f"show '{name}': nothing on stdout")


@case.case
def set_is_a_transaction():
    module.load(**USUAL)
    want = {**module.state(), "v4": "10.9.0.3", "v6": "fd00:9::2", "scope": "any"}
    del want["config"]
    quiet(ctl.run("set", "v4=10.9.0.3", "v6=FD00:9:0::2", "scope=any"), "set three")
    tap.equal({name: module.get(name) for name in module.SETTINGS}, want, "set three: these and no other changed")
    quiet(ctl.run("set", "wan="), "set an empty value")
    tap.equal(module.get("wan"), "", "set an empty value: empty")
    quiet(ctl.run("set", *module.get("config").split()), "set all that config reads")
    before = module.state()
    for args in (["v4=1.2.3"], ["v4=10.9.0.4", "v6=nonsense"], ["nonsense=1"], ["v4=10.9.0.4", "nonsense=1"],
                 ["v4=10.9.0.4", "v4=10.9.0.5"], ["v4=10.9.0.4 scope=local"], ["v4=10.9.0.4\n"], ["=1"], ["v4 =10.9.0.4"],
                 ["config=wan=eth0"], ["ports=20-30"], ["wan=" + "x" * 16], ["ports=" + ",".join(map(str, range(1000, 1450)))]):
        name = "set " + " ".join(args)[:40].replace("\n", "\\n")
        refused(ctl.run("set", *args), name)
        tap.equal(module.state(), before, f"{name}: nothing changed")
    result = ctl.run("set", "ports=" + ",".join(map(str, range(10000, 11000, 1))))
    returns(1, result, "more than a page")
    tap.ok("more than" in result.err, "more than a page: says so")
    tap.equal(module.state(), before, "more than a page: nothing changed")
    quiet(ctl.run("set", "v4=10.9.0.2"), "set after refusals")
    tap.equal(module.last_error(), "", "set after refusals: last_error is empty again")


@case.case
def set_is_serialised():
    module.load(**USUAL)
    # Each caller changes another setting; a lost update would bring an old value back.
    final = {"v4": "10.9.0.77", "v6": "fd00:9::77", "ports": "7777", "scope": "any", "masquerade": "all", "stale": "keep"}
    for _ in range(5):
        module.configure(**USUAL)
        callers = [subprocess.Popen([ctl.TOOL, "set", f"{name}={value}"]) for name, value in final.items()]
        tap.equal([caller.wait(30) for caller in callers], [0] * len(callers), "six callers at once: each is done")
        tap.equal({name: module.get(name) for name in final}, final, "six callers at once: no change is lost")


@case.case
def save():
    for line in ("wan=eth0 v4=10.9.0.2",
                 "wan=eth0,ppp+ v4=10.9.0.2@203.0.113.1,10.9.0.3 v6=fd00:9::2 ports=1000-2000,22,3478/udp scope=any "
                 "masquerade=all stale=keep enabled=0",
                 "wan=back\\slash,tr\\ v6=fd00:9::2 masquerade=off",
                 ""):
        module.load_line(line)
        name = f"save '{line[:20]}'"
        config = module.get("config")
        dry = ctl.run("save", "--dry-run")
        returns(0, dry, f"{name} --dry-run")
        tap.ok(not os.path.exists(OPTIONS), f"{name} --dry-run: writes nothing")
        result = ctl.run("save")
        returns(0, result, name)
        tap.equal(result.out.split(), [OPTIONS, AUTOLOAD], f"{name}: prints what it wrote")
        for path in (OPTIONS, AUTOLOAD):
            tap.equal(os.stat(path).st_mode & 0o7777, 0o644, f"{name}: {path} has mode 0644")
            tap.equal([file for file in os.listdir(os.path.dirname(path)) if "chatdnat" in file], ["chatdnat.conf"],
                      f"{name}: nothing else is left beside {path}")
        with open(AUTOLOAD, encoding="ascii") as file:
            tap.equal(file.read(), "chatdnat\n", f"{name}: loaded at boot")
        tap.ok(not {"saved-differs", "not-saved"} & set(ctl.run("--json").findings()), f"{name}: status agrees")
        module.unload()
        tap.ok("saved configuration" in ctl.run().err, f"{name}: status without the module names it")
        subprocess.run(["modprobe", "chatdnat"], check=True)
        tap.equal(module.get("config"), config, f"{name}: modprobe reproduces it")
        module.set("stale", "flush" if module.get("stale") == "keep" else "keep")
        tap.ok("stale" in ctl.run("--json").findings()["saved-differs"]["text"], f"{name}: status names what differs")
        module.unload()
        forget()


@case.case
def save_keeps_what_others_wrote():
    """Lines that are not of save stay, and a symbolic link leads to the file that is written."""
    module.load(**USUAL)
    real = {OPTIONS: "/root/options", AUTOLOAD: "/root/load"}
    ours = {}
    for path in real:
        ctl.run("save")
        with open(path, encoding="ascii") as file:
            ours[path] = file.read()
    others = {OPTIONS: "# mine\n\noptions nf_conntrack \\\n  hashsize=65536\nsoftdep chatdnat pre: wireguard\n", AUTOLOAD: "# mine\nzram\n"}
    for path, target in real.items():
        os.unlink(path)
        os.symlink(target, path)
        with open(target, "w", encoding="ascii") as file:
            file.write({OPTIONS: " options\tchatdnat wan=eth7 \\\n  v4=10.9.0.7\n", AUTOLOAD: ""}[path] + others[path])
    for time in ("once", "again"):
        returns(0, ctl.run("save"), f"save, {time}")
        for path, target in real.items():
            tap.ok(os.path.islink(path), f"save, {time}: {path} is a link still")
            with open(target, encoding="ascii") as file:
                tap.equal(file.read(), ours[path] + others[path], f"save, {time}: {path}: what others wrote stays")
    for target in real.values():
        os.unlink(target)
    forget()


@case.case
def save_with_the_unit():
    """chatdnat.service loads the module where systemd runs and starts it at boot: modules-load.d is not needed."""
    module.load(**USUAL)
    with ctl.unit() as enable:
        tap.equal(ctl.run("save").out.split(), [OPTIONS, AUTOLOAD], "save with the unit not enabled: both files")
        enable()
        tap.ok(AUTOLOAD not in ctl.run("save", "--dry-run").out, "save --dry-run with the unit enabled: one file")
        tap.ok(os.path.exists(AUTOLOAD), "save --dry-run with the unit enabled: removes nothing")
        result = ctl.run("save")
        returns(0, result, "save with the unit enabled")
        tap.equal(result.out.splitlines()[0], OPTIONS, "save with the unit enabled: writes the options")
        tap.ok(f"removed {AUTOLOAD}" in result.out and not os.path.exists(AUTOLOAD), "save with the unit enabled: removes the other file")
        tap.equal(ctl.run("save").out, f"{OPTIONS}\n", "save with the unit enabled, again: one file")
        with open(AUTOLOAD, "w", encoding="ascii") as file:
            file.write("chatdnat\nzram\n")
        tap.equal(ctl.run("save").out, f"{OPTIONS}\n", "save with the unit enabled: a file that somebody wrote stays")
    tap.equal(ctl.run("save").out.split(), [OPTIONS, AUTOLOAD], "save without systemd: both files")
    done = subprocess.run(["sh", "-c", '"$0" save >&-', ctl.TOOL], stderr=subprocess.DEVNULL, check=False)
    tap.equal(done.returncode, 1, "save with standard output closed: exit status 1")
    tap.equal(os.stat("/run/chatdnatctl.lock").st_size, 0, "save with standard output closed: nothing goes to another file")
    forget()


@case.case
def save_fails_whole():
    module.load(**USUAL)
    with open(OPTIONS, "w", encoding="ascii") as file:
        file.write("# mine\n")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", "/etc/modules-load.d"], check=True)
    try:
        result = ctl.run("save")
    finally:
        subprocess.run(["umount", "/etc/modules-load.d"], check=True)
    returns(1, result, "save to a read-only directory")
    tap.ok("Read-only file system" in result.err, "save to a read-only directory: says why")
    with open(OPTIONS, encoding="ascii") as file:
        tap.equal(file.read(), "# mine\n", "save to a read-only directory: the other file is as it was")
    tap.equal([file for file in os.listdir("/etc/modprobe.d") if "chatdnat" in file], ["chatdnat.conf"],
              "save to a read-only directory: nothing half-written is left")
    forget()


@case.case
def not_root():
    module.load(**USUAL)
    before = module.state()
    for args in (["set", "v4=10.9.0.3"], ["save"]):
        result = ctl.run(*args, before=ctl.NOBODY)
        returns(1, result, f"not root: {args[0]}")
        tap.ok("needs root" in result.err, f"not root: {args[0]} says so")
    tap.equal(module.state(), before, "not root: nothing changed")
    result = ctl.run(before=ctl.NOBODY)
    returns(0, result, "not root: status")
    tap.ok("counting them needs root" in result.out and "10.9.0.2" in result.out,
           "not root: status says what is missing and shows the rest")
    tap.equal(ctl.run("--json", before=ctl.NOBODY).json()["connections"], {"ipv4": None, "ipv6": None},
              "not root: unknown in JSON")
    for args in (["show"], ["show", "v4"], ["show", "config"], ["show", "stats"], ["show", "last_error"], ["show", "--names"],
                 ["show", "--json"], ["save", "--dry-run"], ["--help"], ["--version"]):
        result, as_root = ctl.run(*args, before=ctl.NOBODY), ctl.run(*args)
        tap.equal((result.status, result.out, result.err), (0, as_root.out, ""), f"not root: {' '.join(args)}, as root sees it")
    tap.ok(not os.path.exists(OPTIONS), "not root: nothing is saved")
    module.unload()
    for args in ([], ["show"], ["set", "v4=10.9.0.3"], ["save"]):
        result = ctl.run(*args, before=ctl.NOBODY)
        name = f"not root, not loaded: {' '.join(args) or 'status'}"
        returns(1, result, name)
        tap.ok("not loaded" in result.err, f"{name}: says so")


@case.case
def completion():
    module.load(**USUAL)
    script = f"PATH={os.path.dirname(ctl.TOOL)}:$PATH; . {ctl.ROOT}/tools/completion/chatdnatctl\n" \
             'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _chatdnatctl; printf "%s\\n" "${COMPREPLY[@]}"'
    for words, want in ((["s"], ["status", "show", "set", "save", "setup"]), (["show", "ma"], ["masquerade"]),
                        (["set", "v"], ["v4=", "v6=", "via="]), (["set", "v4", "="], ["10.9.0.2"]), (["set", "guard", "=", "f"], ["forward", "full"]), (["save", "--d"], ["--dry-run"]), (["c"], ["check", "confirm"]),
                        (["check", "--p"], ["--probe"]), (["check", "--q"], ["--quiet"])):
        done = subprocess.run(["bash", "-c", script, "bash", "chatdnatctl", *words], capture_output=True, text=True, check=False)
        if not tap.equal(done.stdout.split(), want, f"completion of {' '.join(words)}"):
            tap.diag(done.stderr)


@case.case
def json_is_json():
    module.load(**USUAL)
    for args in (["--json"], ["status", "--json"], ["check", "--json"], ["show", "--json"], ["show", "stats", "--json"],
                 ["show", "config", "--json"]):
        result = ctl.run(*args)
        # There is no eth0 here, which is for `check` to complain of.
        returns(int(args[0] == "check"), result, " ".join(args))
        try:
            json.loads(result.out)
            tap.ok(True, f"{' '.join(args)}: parses")
        except ValueError as error:
            tap.ok(False, f"{' '.join(args)}: parses")
            tap.diag(error)


forget()
case.run(known_relays={"10.9.0.2"})
