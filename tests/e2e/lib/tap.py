"""Test Anything Protocol: what prove reads."""

import sys

_count = 0
_failed = 0


def diag(text):
    for line in str(text).splitlines():
        print("#", line, flush=True)


def ok(condition, name):
    global _count, _failed
    _count += 1
    if not condition:
        _failed += 1
    name = name.replace("#", "\\#").replace("\n", " ")
    print(f"{'ok' if condition else 'not ok'} {_count} - {name}", flush=True)
    return bool(condition)


def equal(got, want, name):
    if not ok(got == want, name):
        diag(f"     got: {got!r}")
        diag(f"expected: {want!r}")
        return False
    return True


def skip(name, why):
    global _count
    _count += 1
    print(f"ok {_count} - {name} # SKIP {why}", flush=True)


def bail_out(why):
    print(f"Bail out! {why}", flush=True)
    sys.exit(255)


def done():
    """The plan and the exit status. No check at all is a failure too."""
    print(f"1..{_count}", flush=True)
    sys.exit(0 if _count and not _failed else 1)
