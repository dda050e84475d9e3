#!/usr/bin/python3
"""The debug kernel's instruments: each notices the fault that it is there for, and a run without one passes."""

import pathlib
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "build"))
# pylint: disable=wrong-import-position
import host
from host import ROOT, tap

BUILD = ROOT / "build" / "debug" / "faulty"
# What the kernel's log has to say. It names the function, but where the fault shows only later.
NOTICED = {
    "out_of_bounds": "KASAN: slab-out-of-bounds in out_of_bounds",
    "after_free": "KASAN: slab-use-after-free in after_free",
    "leak": "kmemleak: 1 new suspected memory leaks",
    "shift": "UBSAN: shift-out-of-bounds in .*faulty.c",
    "lock_order": "WARNING: possible circular locking dependency detected",
    "sleep_in_atomic": "BUG: sleeping function called from invalid context at .*faulty.c",
    "unprotected": "WARNING: suspicious RCU usage",
    "active_timer": r"ODEBUG: free active .* object type: timer_list hint: on_time",
    "device": "unregister_netdevice: waiting for lo to become free",
    "network": "leaked: a network namespace",
}
# In a namespace, which is not gone before what refers to it. That is waited for longer than by the kernel itself, which
# complains after ten seconds.
COMMIT = "echo 15 >/run/leaks-limit && ip netns add faulty && "\
         "ip netns exec faulty insmod build/debug/faulty/faulty.ko fault={} && rmmod faulty"
THERE = " && ".join(f"test -e /sys/kernel/debug/{name}" for name in (
    "fail_function/inject", "fail_page_alloc/probability", "failslab/probability", "gcov", "kcov", "kunit"))
COVERED = ("modprobe chatdnat wan=eth0 v4=10.9.0.2 && find /sys/kernel/debug/gcov -name '*.gcda' | grep -c /module/ "
           "&& rmmod chatdnat")


def build():
    kernel = host.works("the debug kernel", "tests/vm/kernel", timeout=7200).text.splitlines()[-1]
    shutil.rmtree(BUILD, ignore_errors=True)
    shutil.copytree(ROOT / "tests" / "debug" / "faulty", BUILD)
    host.works("a module with faults is built", "make", "-C", f"{kernel}/build", f"M={BUILD}", "modules")


def guest(command):
    return host.run("tests/vm/run", "--timeout", "60", "debug", "sh", "-c", command)


def main():
    build()
    done = guest(f"{THERE} && {COMMIT.format('none')}")
    if not tap.equal(done.status, 0, "the instruments are there, and say nothing without a fault"):
        tap.diag(done.text)
    done = guest(COVERED)
    sources = len(list((ROOT / "module").rglob("*.c")))
    if not tap.equal((done.status, done.text.split()[-1:]), (0, [str(sources)]), "gcov counts every file of the module"):
        tap.diag(done.text)
    for fault, words in NOTICED.items():
        done = guest(COMMIT.format(fault))
        if not tap.ok(done.status == 125 and re.search(words, done.text), f"{fault} is noticed"):
            tap.diag(done.text)
    tap.done()


main()
