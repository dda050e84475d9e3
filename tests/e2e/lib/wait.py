"""Waiting for an event, with a limit."""

import time


def until(predicate, seconds=5.0, interval=0.01):
    """The first true value of predicate(), or its last value when time is up."""
    limit = time.monotonic() + seconds
    while True:
        value = predicate()
        if value or time.monotonic() >= limit:
            return value
        time.sleep(interval)
