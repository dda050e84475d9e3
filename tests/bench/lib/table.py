"""Tables of figures, in Markdown."""

import re

from .box import FAMILIES, SCENARIOS, TUNNEL
from .peers import ROWS

DIRECTIONS = ("in", "out", "new")


def lines(head, rows):
    """The first column to the left, figures to the right."""
    rows = [head, *rows]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    ruled = [f"{'-' * widths[0]}", *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    out = []
    for row in (rows[0], ruled, *rows[1:]):
        out.append("| " + " | ".join(cell.rjust(width) if n else cell.ljust(width)
                                     for n, (cell, width) in enumerate(zip(row, widths))) + " |")
    return "\n".join(out) + "\n"


def compared(figure, recipe):
    return f"{figure:.0f} ({figure / recipe:.2f})"


def rows(kernel, figures, what="instructions per packet"):
    """Instructions for a packet and, in brackets, their ratio to the recipe's."""
    head = [f"{what}, {kernel}"]
    head += [f"{'IPv4' if family == 'ipv4' else 'IPv6'} {direction}" for family in FAMILIES for direction in DIRECTIONS]
    return lines(head, [
        [ROWS[name].title] + [compared(figures[name][family][direction], figures["recipe"][family][direction])
                              for family in FAMILIES for direction in DIRECTIONS]
        for name in ROWS if name in figures])


def scenarios(figures):
    """The other scenarios, of one kernel."""
    kernel = figures["row"]["recipe"]["kernel"]
    return "\n".join(rows(kernel, figures[name], scenario.title) for name, scenario in SCENARIOS.items()
                     if name != TUNNEL and "recipe" in figures.get(name, {}))


GROWTH = {"flows": "established flows", "clients": "clients of one flow each", "ports": "port ranges", "relays": "relays"}


def growth(figures, what):
    """What grows with what: instructions for a packet of either direction, and for a new connection."""
    rows_of = {name: one[what] for name, one in figures.items() if what in one}
    if not rows_of:
        return ""
    numbers = list(next(iter(rows_of.values())))
    return lines(
        [f"instructions per packet, IPv4, by {GROWTH[what]}"] + [f"{int(n):,} {kind}" for kind in DIRECTIONS for n in numbers],
        [[ROWS[name].title] + [f"{one[n][kind]:.0f}" for kind in DIRECTIONS for n in numbers] for name, one in rows_of.items()])


def touched(figures):
    """Lines of 64 bytes that a packet's data accesses touch, and how many of them are not in a cache of 1 MiB."""
    runs = list(next(iter(figures.values())))
    return lines(
        ["distinct lines (misses of 1 MiB), IPv4"] + [re.sub(r"\d+", lambda n: f"{int(n[0]):,}", run) for run in runs],
        [[ROWS[name].title] + [f"{one[run]['lines']:.0f} ({one[run]['misses'][1]:.0f})" for run in runs]
         for name, one in figures.items()])


def memory(figures):
    return lines(
        ["bytes per connection (slab + per-CPU)"] + list(figures["recipe"]),
        [[ROWS[name].title] + [f"{one['slab']} + {one['percpu']}" for one in figures[name].values()] for name in figures])


def flood(figures):
    return lines(
        ["500,000 SYNs, table of 4,096", "clients served", "flood passed", "memory grew by"],
        [[ROWS[name].title, f"{one['succeeded']:.1%}", f"{one['passed']:.1%}", f"{one['grown'] / 1024:.0f} KiB"]
         for name, one in figures.items()])


def sockets(figures):
    recipe = figures["recipe"]
    return lines(
        ["real sockets, ratio to the recipe (noisy)", "bulk", "new connections/s"],
        [[ROWS[name].title] + [f"{one[kind] / recipe[kind]:.2f}" for kind in ("bulk", "connections")]
         for name, one in figures.items()])


CLOSER = {"lines": touched, "memory": memory, "flood": flood, "sockets": sockets}


def everything(kernel, figures):
    tables = [rows(kernel, figures["row"]), scenarios(figures)] if "recipe" in figures.get("row", {}) else []
    tables += [growth(figures.get("growth", {}), what) for what in GROWTH]
    tables += [make(figures[what]) for what, make in CLOSER.items() if "recipe" in figures.get(what, {})]
    return "\n".join(filter(None, tables))
