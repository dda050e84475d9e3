"""On the host: a row in a machine that tests/bench/plugin watches."""

import bisect
import collections
import json
import pathlib
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[3]
PLUGIN = TOP / "build/bench/lines.so"
NUMBERS = (64, 10_000, 100_000)
# The plugin takes its time.
LIMIT = 3000
# Megabytes of a machine with as many flows: the module offloads by the memory that there is.
MEMORY = "6144"


def watch(kernel, *words):
    """What tests/bench/watched prints, and what the plugin writes about each of its runs."""
    with tempfile.NamedTemporaryFile(mode="r", encoding="ascii") as out:
        done = subprocess.run([TOP / "tests/vm/run", "--icount", "--timeout", str(LIMIT), "--mem", MEMORY,
                               "--plugin", f"{PLUGIN},out={out.name}", kernel, "tests/bench/watched", *words],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{kernel}: watched {' '.join(words)}: status {done.returncode}\n{done.stderr}")
        said = json.loads(done.stdout)
        runs = [json.loads(line) for line in out]
    if len(runs) != len(said["runs"]):
        raise RuntimeError(f"{kernel}: watched {' '.join(words)}: {len(said['runs'])} runs, of which the plugin saw {len(runs)}")
    return said, dict(zip(said["runs"], runs))


def lines(kernel, row):
    """For each packet: distinct lines of 64 bytes, and misses of the caches of 32 KiB and 1 MiB."""
    _, runs = watch(kernel, row, *map(str, NUMBERS))
    return {name: {"lines": run["lines"] / run["packets"], "misses": [n / run["packets"] for n in run["misses"]]}
            for name, run in runs.items() if not name.startswith("warm")}


def functions(kernel, row, name, numbers=()):
    """(Function, instructions, lines) of a packet of a run, most instructions first."""
    said, runs = watch(kernel, "--symbols", row, *map(str, numbers))
    symbols = sorted((int(address, 16), function) for address, function in said["symbols"])
    addresses = [address for address, _ in symbols]
    counts, first = collections.Counter(), collections.Counter()
    for block, (instructions, touched) in runs[name]["blocks"].items():
        function = symbols[bisect.bisect(addresses, int(block, 16)) - 1][1]
        counts[function] += instructions
        first[function] += touched
    packets = runs[name]["packets"]
    return [(function, n / packets, first[function] / packets) for function, n in counts.most_common()]
