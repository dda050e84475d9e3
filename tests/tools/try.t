#!/usr/bin/python3
"""chatdnatctl load, which applies the saved settings; try and confirm, which take a change back in time."""

import contextlib
import fcntl
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from lib import case, kernlog, module, tap, topo, traffic, wait
from lib.topo import CLIENT, HOME, PROXY
from lib.traffic import Connection, Seen

OPTIONS = pathlib.Path("/etc/modprobe.d/chatdnat.conf")
SOCKET = pathlib.Path("/run/chatdnatctl.try")
USUAL = {"wan": "eth0", "v4": "10.9.0.2"}
OTHER = "10.9.0.7"
# Longer than any case: what ends before was ended.
LONG = "600"


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
    other = pathlib.Path("/etc/modprobe.d/a-chatdnat.conf")
    other.write_text("\noptions chatdnat ports=25-20 dyndbg=+p\n", encoding="ascii")
    saved("options chatdnat wan=eth1\n")
    result = ctl.run("load")
    returns(1, result, "load of what the kernel refuses in another file")
    tap.ok(f"{other}, line 2: " in result.err, f"load of what the kernel refuses in another file: names it {result.err}")
    other.write_text("options chatdnat dyndbg=+p\n", encoding="ascii")
    returns(0, ctl.run("load"), "load with a parameter of the kernel's own")
    other.unlink()
    many = ",".join(map(str, range(10000, 10200)))
    saved(f"options chatdnat ports={many}\noptions chatdnat allow={many}\noptions chatdnat wan=eth1\n")
    result = ctl.run("load")
    returns(1, result, "load of too much")
    tap.ok("at most 2048 bytes" in result.err and ", line" not in result.err, f"load of too much: blames no line {result.err}")
    saved("options chatdnat wan=eth1\n\noptions chatdnat v4=10.9.0.300\n")
    module.unload()
    result = ctl.run("load")
    returns(1, result, "load of what the kernel refuses, not loaded")
    tap.ok(f"{OPTIONS}, line 3: v4: '10.9.0.300'" in result.err, "load of what the kernel refuses, not loaded: names file, line and reason")
    for line, text in ((1, "v4=10.9.0.300\n\noptions chatdnat v4=10.9.0.2\noptions chatdnat ports=25\n"),
                       (3, "v4=10.9.0.2\n\noptions chatdnat v4=10.9.0\noptions chatdnat v4=10.9.0.2\n")):
        saved(f"options chatdnat {text}")
        result = ctl.run("load")
        returns(1, result, f"load of a name that is there twice, refused in line {line}")
        tap.ok(f"{OPTIONS}, line {line}: v4: '10.9.0" in result.err, f"load of a name that is there twice: names line {line} {result.err}")
    saved("options chatdnat wan=eth0\noptions chatdnat gaurd=full v4=10.9.0.2\n")
    result = ctl.run("load")
    returns(1, result, "load of an unknown name")
    tap.ok(f"{OPTIONS}, line 2: gaurd: the module has no such setting, but guard;" in result.err and not module.loaded(), "load of an unknown name: is named, nothing is loaded")
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


def waits():
    return SOCKET.exists()


def ended(name):
    tap.ok(wait.until(lambda: not waits() and not background(), 20), f"{name}: nothing waits any more")


def background():
    """The processes of the tool that run."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(process / "exe") == os.path.realpath(ctl.TOOL):
                found.append(process)
    return found


def logged(text):
    return wait.until(lambda: any(text in message for message in log.messages()))


@case.case
def reverts():
    module.load(**USUAL)
    before = module.state()
    result = ctl.run("set", "--confirm", "1", f"v4={OTHER}", "scope=any")
    returns(0, result, "not on a terminal")
    tap.ok("applied for 1 s" in result.out and "chatdnatctl confirm" in result.out and not result.err, "says how to keep it")
    tap.ok(wait.until(lambda: module.state() == before), "not confirmed: the former settings come back")
    ended("not confirmed")
    tap.ok(logged("try: not confirmed: the former settings are active again"), "not confirmed: the kernel log says so")
    result = ctl.run("confirm")
    returns(1, result, "confirmed too late")
    tap.ok("no change waits" in result.err, "confirmed too late: says so")
    result = ctl.run("set", f"--confirm={LONG}", f"v4={OTHER}")
    returns(0, result, "another change")
    tap.equal(ctl.run("confirm", "--revert").status, 0, "confirm --revert")
    tap.equal(module.state(), before, "confirm --revert: at once")
    ended("confirm --revert")


@case.case
def confirmed():
    module.load(**USUAL)
    returns(0, ctl.run("try", f"v4={OTHER}"), "try")
    tap.equal(module.get("v4"), OTHER, "try: is applied")
    process, = background()
    files = {os.readlink(process / "fd" / str(fd)) for fd in range(3)}
    tap.equal(files, {"/dev/null"}, "the process in the background has no terminal")
    tap.equal(os.getsid(int(process.name)), int(process.name), "the process in the background has a session of its own")
    tap.equal(os.stat(SOCKET).st_mode & 0o777, 0o600, "no other user can confirm")
    for args in (("confirm",), ("try", "v4=10.9.0.8")):
        result = ctl.run(*args, before=ctl.NOBODY)
        returns(1, result, f"{args[0]}, not root")
        tap.ok("needs root" in result.err, f"{args[0]}, not root: says so")
    result = ctl.run("try", "v4=10.9.0.8")
    returns(1, result, "a second try")
    tap.ok("another change waits" in result.err and module.get("v4") == OTHER, "a second try: is refused")
    result = ctl.run("save")
    returns(1, result, "save in the meantime")
    tap.ok("waits for its confirmation" in result.err and not OPTIONS.exists(), "save in the meantime: is refused")
    returns(0, ctl.run("confirm"), "confirm")
    returns(0, ctl.run("save"), "save at once after confirm")
    OPTIONS.unlink()
    pathlib.Path("/etc/modules-load.d/chatdnat.conf").unlink(missing_ok=True)
    ended("confirm")
    tap.equal(module.get("v4"), OTHER, "confirm: the change stays")
    result = ctl.run("try", f"v4={OTHER}")
    returns(0, result, "try of what is active")
    tap.ok("nothing to confirm" in result.out and not waits(), "try of what is active: does not wait")
    result = ctl.run("try", "v4=nonsense")
    returns(1, result, "try of what the kernel refuses")
    tap.ok(module.last_error() in result.err and not waits(), "try of what the kernel refuses: has the reason, and does not wait")
    for args in (["try"], ["try", "v4"], ["try", "--confirm", "5", "v4=10.9.0.8"], ["set", "--confirm", "v4=10.9.0.8"], ["set", "--confirm", "0", "v4="],
                 ["set", "--confirm", "90000", "v4="], ["set", "v4=", "--confirm"], ["confirm", "x"]):
        returns(2, ctl.run(*args), " ".join(args))
    tap.equal(module.get("v4"), OTHER, "wrong usage changes nothing")


@case.case
def somebody_else():
    module.load(**USUAL)
    ctl.run("set", "--confirm", LONG, f"v4={OTHER}")
    ctl.run("set", "scope=any")
    returns(1, ctl.run("confirm", "--revert"), "changed in the meantime")
    ended("changed in the meantime")
    tap.equal((module.get("v4"), module.get("scope")), (OTHER, "any"), "changed in the meantime: is left alone")
    tap.ok(logged("try: not reverted: the settings were changed since"), "changed in the meantime: the kernel log says so")
    ctl.run("set", "--confirm", LONG, "v4=10.9.0.8")
    module.unload()
    result = ctl.run("confirm", "--revert")
    returns(1, result, "unloaded in the meantime")
    tap.ok("unloaded" in result.err and not module.loaded(), "unloaded in the meantime: says so")
    module.load(**USUAL)
    ctl.run("set", "--confirm", LONG, "v4=10.9.0.8")
    after = module.state()
    module.unload()
    module.load_line(after["config"])
    returns(1, ctl.run("confirm", "--revert"), "loaded anew in the meantime")
    tap.equal(module.state(), after, "loaded anew in the meantime: is left alone, though the settings are the same")
    tap.ok(logged("try: not reverted: the module was unloaded since"), "loaded anew in the meantime: the kernel log says so")
    ended("loaded anew")


@case.case
def on_a_terminal():
    module.load(**USUAL)
    before = module.state()
    terminal = ctl.Terminal("try", f"v4={OTHER}")
    tap.ok(terminal.reads("press Enter"), "terminal: says what to do")
    terminal.enter()
    tap.ok(terminal.reads("confirmed"), "terminal: Enter confirms")
    tap.equal(terminal.status(), 0, "terminal: Enter: exit status 0")
    terminal.close()
    tap.equal(module.get("v4"), OTHER, "terminal: Enter: the change stays")
    module.configure(**USUAL)
    terminal = ctl.Terminal("set", "--confirm", "1", f"v4={OTHER}")
    tap.ok(terminal.reads("not confirmed"), "terminal: says that time is over")
    tap.equal(terminal.status(), 1, "terminal: time is over: exit status 1")
    terminal.close()
    tap.equal(module.state(), before, "terminal: time is over: reverted")
    for how in ("SIGKILL", "the end of the session"):
        terminal = ctl.Terminal("set", "--confirm", LONG, f"v4={OTHER}")
        tap.ok(terminal.reads("press Enter"), f"{how}: applied")
        if how == "SIGKILL":
            os.kill(terminal.pid, signal.SIGKILL)
        terminal.close()
        tap.ok(terminal.status() < 0, f"{how}: ends the process on the terminal")
        tap.equal((module.get("v4"), len(background())), (OTHER, 1), f"{how}: the one in the background waits on")
        returns(0, ctl.run("confirm", "--revert"), f"{how}: confirm --revert")
        tap.equal(module.state(), before, f"{how}: reverted")
        ended(how)


@case.case
def ended_on_purpose():
    module.load(**USUAL)
    before = module.state()
    ctl.run("set", "--confirm", LONG, f"v4={OTHER}")
    process, = background()
    os.kill(int(process.name), signal.SIGHUP)
    os.kill(int(process.name), signal.SIGTERM)
    tap.ok(wait.until(lambda: module.state() == before), "SIGTERM reverts at once")
    ended("SIGTERM")
    ctl.run("set", "--confirm", LONG, f"v4={OTHER}")
    process, = background()
    os.kill(int(process.name), signal.SIGKILL)
    tap.ok(wait.until(lambda: not background()), "SIGKILL")
    result = ctl.run("confirm")
    returns(1, result, "SIGKILL: confirm")
    tap.ok("no change waits" in result.err, "SIGKILL: nothing waits")
    returns(0, ctl.run("try", "v4=10.9.0.8"), "SIGKILL: the socket that is left is replaced")
    returns(0, ctl.run("confirm"), "SIGKILL: and answers")
    reader, writer = os.pipe()
    os.close(reader)
    # The module warns of that.
    subprocess.run([ctl.TOOL, "set", "--confirm", LONG, "guard=full", "allow="], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer, check=False)
    os.close(writer)
    tap.equal(module.get("guard"), "full", "a warning that nobody reads: applied")
    returns(0, ctl.run("confirm", "--revert"), "a warning that nobody reads: still waits")


@case.case
def nobody_reads():
    """What is printed must not end the process that reverts."""
    module.load(**USUAL)
    before = module.state()
    for args in (("set", "--confirm", "1", "guard=full", "allow="), ("set", "--confirm", "1", f"v4={OTHER}")):
        reader, writer = os.pipe()
        os.close(reader)
        with subprocess.Popen([ctl.TOOL, *args], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer) as process:
            os.close(writer)
            process.wait()
        tap.ok(wait.until(lambda: module.state() == before), f"{args[-2]} {args[-1]}: nobody reads: reverted")
        ended(f"{args[-2]} {args[-1]}: nobody reads")
        module.configure(**USUAL)

    reader, writer = os.pipe()
    with subprocess.Popen([ctl.TOOL, "set", "--confirm", LONG, f"v4={OTHER}"], stdout=subprocess.DEVNULL, pass_fds=(writer,)) as process:
        process.wait()
    os.close(writer)
    tap.equal((len(background()), select.select([reader], [], [], 20)[0]), (1, [reader]), "no file of who has called it stays open")
    os.close(reader)
    ctl.run("confirm", "--revert")
    ended("no file stays open")


@case.case
def nobody_goes_on():
    """A terminal that was stopped, by Ctrl-S for instance: who prints there waits."""
    module.load(**USUAL)
    before = module.state()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.set_blocking(writer, True)
    # The module warns of that.
    with subprocess.Popen([ctl.TOOL, "set", "--confirm", LONG, "guard=full", "allow="], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer) as process:
        tap.ok(wait.until(lambda: module.get("guard") == "full"), "a stopped terminal: applied")
        # As when its time is over.
        other, = (int(each.name) for each in background() if int(each.name) != process.pid)
        os.kill(other, signal.SIGTERM)
        tap.ok(wait.until(lambda: module.state() == before), "a stopped terminal: reverted")
        tap.equal(process.poll(), None, "a stopped terminal: who prints there still waits")
        process.kill()
    os.close(reader)
    os.close(writer)
    ended("a stopped terminal")


@case.case
def stopped():
    module.load(**USUAL)
    ctl.run("set", "--confirm", LONG, f"v4={OTHER}")
    process, = background()
    os.kill(int(process.name), signal.SIGSTOP)
    result = ctl.run("confirm", "--revert")
    returns(1, result, "SIGSTOP: confirm")
    tap.ok(f"does not answer; if it is stopped: kill -CONT {process.name}" in result.err, "SIGSTOP: confirm ends, and says so")
    subprocess.run(result.err.split("if it is stopped: ")[-1].split(), check=True)
    ended("SIGCONT")
    tap.equal(module.get("v4"), USUAL["v4"], "SIGCONT: reverted, as it was told")


@case.case
def imitated():
    """In the kernel log, by a program: where journald forwards to it, anybody's."""
    module.load(**USUAL)
    pathlib.Path("/dev/kmsg").write_text("<4>chatdnat: unknown parameter 'nonsense' ignored\n", encoding="ascii")
    tap.ok(logged("unknown parameter 'nonsense'"), "imitated: is in the kernel log")
    tap.ok("nonsense" not in ctl.run("check").out, "imitated: is not believed")


@case.case
def in_spite_of_others():
    module.load(**USUAL)
    before = module.state()
    for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGXCPU):
        ctl.run("set", "--confirm", LONG, f"v4={OTHER}")
        process, = background()
        os.kill(int(process.name), number)
        tap.ok(wait.until(lambda: module.state() == before), f"{number.name} reverts at once")
        ended(number.name)
        module.configure(**USUAL)
    # By a command that hangs.
    with open("/run/chatdnatctl.lock", "w", encoding="ascii") as lock:
        ctl.run("set", "--confirm", "1", f"v4={OTHER}")
        fcntl.flock(lock, fcntl.LOCK_EX)
        tap.ok(wait.until(lambda: module.state() == before, 20), "the lock is held: reverted all the same")
        ended("the lock is held")


@case.case
def the_clock():
    module.load(**USUAL)
    ctl.run("set", "--confirm", LONG, f"v4={OTHER}")
    now = time.clock_gettime(time.CLOCK_REALTIME)
    time.clock_settime(time.CLOCK_REALTIME, now + 86400)
    try:
        returns(0, ctl.run("confirm"), "after a jump of the clock: still waits")
    finally:
        time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) - 86400)
    tap.equal(module.get("v4"), OTHER, "after a jump of the clock: confirmed")
    ended("after a jump of the clock")


@case.case
def locked_out():
    """Over the very connection that the change cuts off."""
    internet = topo.Topology(relays=()).internet
    ssh = traffic.Host("proxy", HOME).tcp(22)
    module.load(wan="eth0", v4="10.9.0.2", v6="fd00:9::2")
    for version in topo.IP_VERSIONS:
        with Connection(internet, PROXY[version], 22, CLIENT[version]) as connection:
            tap.ok(connection.echo(b"before"), f"{version}: SSH before")
            returns(0, ctl.run("set", "--confirm", LONG, "guard=full", "allow="), f"{version}: locked out")
            tap.equal(traffic.tcp(internet, PROXY[version], 22, CLIENT[version], timeout=1), "silence", f"{version}: locked out: nothing reaches SSH")
            returns(0, ctl.run("confirm", "--revert"), f"{version}: locked out: reverted by hand")
            returns(0, ctl.run("set", "--confirm", "1", "guard=full", "allow="), f"{version}: locked out again")
            ended(f"{version}: locked out again")
            tap.equal(traffic.tcp(internet, PROXY[version], 22, CLIENT[version]), Seen("proxy", CLIENT[version], 22),
                      f"{version}: SSH is there again by itself")
    ssh.close()


OPTIONS.unlink(missing_ok=True)
log = kernlog.Reader()
case.run(known_relays={"10.9.0.2"})
