"""Test cases of one file: each starts without the module and has to end without a trace of it."""

import signal
import sys
import time
import traceback

from . import conntrack, kernlog, module, net, tap, wait

_cases = []
log = kernlog.Reader()


class Overdue(Exception):
    pass


def _overdue(*_):
    raise Overdue("the test took too long")


def case(function):
    _cases.append(function)
    return function


def tracked(why):
    """A case for the tracked engine only, and why."""
    def mark(function):
        function.tracked = why
        return case(function)
    return mark


def relays():
    """The relay addresses that the active configuration names."""
    return {entry.split("@")[0] for name in ("v4", "v6")
            for entry in module.get(name).split(",") if entry}


def left_over(relay_addresses):
    """Connections that nobody but the module can have translated towards the relay."""
    return [entry for entry in conntrack.entries()
            if entry.status & conntrack.DST_NAT and entry.reply.src in relay_addresses
            and entry.orig.dst != entry.reply.src]


def _end(name, known_relays):
    """Unloads, and looks for what an unload has to leave behind: nothing."""
    problems = []
    if module.loaded():
        known_relays |= relays()
        module.unload()
    net.forget_closing()
    if not wait.until(lambda: not module.loaded()):
        problems.append("/sys/module/chatdnat is still there")
    try:
        left = left_over(known_relays)
    except OSError as error:
        left = [f"conntrack: {error}"]
    problems += [f"left in conntrack: {entry}" for entry in left[:5]]
    problems += [f"kernel log: {text}" for text in kernlog.suspicious(log.messages())]
    tap.ok(not problems, f"{name}: unloaded, nothing left behind")
    for problem in problems:
        tap.diag(problem)


def _guarded(name, function, seconds):
    """A failure of the test's own machinery is a failed test."""
    signal.alarm(seconds)
    begin = time.monotonic()
    try:
        function()
    except Exception:  # pylint: disable=broad-except
        tap.ok(False, f"{name}: ran to its end")
        tap.diag(traceback.format_exc())
    finally:
        signal.alarm(0)
    tap.diag(f"{name}: {time.monotonic() - begin:.1f} s")


def run(setup=None, known_relays=(), seconds=400):
    """Runs the cases named on the command line, or all."""
    signal.signal(signal.SIGALRM, _overdue)
    wanted = sys.argv[1:]
    selected = [function for function in _cases if not wanted or function.__name__ in wanted]
    if module.loaded():
        tap.bail_out("the module is loaded already")
    if not module.FILE.exists():
        tap.bail_out(f"{module.FILE} has not been built")
    ready = []

    def prepare():
        module.prepare()
        if setup:
            setup()
        ready.append(True)
    _guarded("setup", prepare, seconds)
    for function in selected if ready else ():
        name = function.__name__.replace("_", " ")
        if module.ENGINE != "tracked" and hasattr(function, "tracked"):
            tap.skip(name, function.tracked)
            continue
        _guarded(name, function, seconds)
        _guarded(name, lambda name=name: _end(name, set(known_relays)), seconds)
    _guarded("clean up", net.destroy, seconds)
    tap.done()
