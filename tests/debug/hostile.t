#!/usr/bin/python3
"""
Packets that nobody sends, 40,000 of them, by both engines, without a guard and with guard=full, from the WAN side and from the
relay, on the debug kernel. What comes out is compared, byte for byte, with what a model says: that it is forwarded as it has to
be, or not at all.

SEED=... for other packets, COUNT=... for more or fewer.
"""

import collections
import os
import pathlib
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "debug" / "hostile"
BUILD = ROOT / "build" / "debug" / "hostile"
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "e2e")]
# pylint: disable=wrong-import-position
import judge
import model
import packets
from lib import tap

SEED = os.environ.get("SEED", "1")
COUNT = int(os.environ.get("COUNT", "40000"))
# A new connection costs the tracked engine the most.
SHARE = {("tracked", "off"): 0.2, ("stateless", "off"): 0.3, ("tracked", "full"): 0.25, ("stateless", "full"): 0.25}
# Of what may go either way there is to be little, but where segments are strays by intent.
UNSURE_MAX = 0.05
# And of what the links themselves refuse.
REFUSED_MAX = 0.03
# So few of a kind say nothing: of what is cut at each byte only the last may be whole.
FEW = 100
SHOWN = 5
# What a device does for the stack: checksums, and segments of TCP and UDP.
OFFLOADS = (0, 0x01 | 0x02 | 0x04 | 0x08 | 0x20 | 0x40)


def write(shots, file):
    """For shoot."""
    for place, shot in enumerate(shots):
        if shot is None:
            # Now and then the links' devices do more, or less.
            offloads = OFFLOADS[place // packets.EPOCH & 1]
            file.write(b"F" + b"".join(struct.pack("=cBI", b"O", link, offloads) for link in (0, 1)))
            continue
        file.write(struct.pack(f"=cBB{len(shot.layout)}H", b"P", shot.link, len(shot.layout), *shot.layout))
        file.write(shot.vnet)
        file.write(shot.frame)


class Results:
    """What shoot says, packet by packet."""

    def __init__(self, stream):
        self.stream, self.next = stream, None

    def _exactly(self, size):
        data = self.stream.read(size)
        if len(data) != size:
            raise EOFError("the results end early")
        return data

    def _record(self):
        what, number = self._exactly(1), struct.unpack("=I", self._exactly(4))[0]
        if what == b"R":
            return what, number, struct.unpack("=I", self._exactly(4))[0]
        if what == b"C":
            link, size = struct.unpack("=BI", self._exactly(5))
            data = self._exactly(size)
            return what, number, (link, (data[:10], data[10:]))
        if what != b"E":
            raise EOFError(f"results that are none: {what}")
        return what, number, None

    def of(self, number):
        """(errno or 0, what came out of each link)"""
        error, caught = 0, ([], [])
        while True:
            record = self.next or self._record()
            self.next = record
            if record[1] != number or record[0] == b"E":
                return error, caught
            if record[0] == b"R":
                error = record[2]
            else:
                caught[record[2][0]].append(record[2][1])
            self.next = None

    def end(self, number):
        record = self.next or self._record()
        self.next = None
        return record[:2] == (b"E", number)


class Tally:
    def __init__(self):
        self.shots = self.passed = self.unsure = self.refused = 0
        self.wrong = []


def describe(number, shot, verdict, why):
    return (f"{number} IPv{shot.version} from {('the internet', 'inside')[shot.link]} ({verdict.why}): {why}\n"
            f"  {shot.vnet.hex()} {shot.frame.hex()[:400]} in {shot.layout}\n"
            f"  wanted {[want.data.hex()[:400] for want in verdict.wants or ()]}")


def run(engine, guard, shots, results):
    """Judges one engine's results; returns a Tally by kind."""
    tallies = collections.defaultdict(Tally)
    known = model.Model(engine, guard)
    number = 0
    for shot in shots:
        if shot is None:
            known.forget()
            continue
        error, caught = results.of(number)
        tally = tallies[shot.kind]
        tally.shots += 1
        if error:
            tally.refused += 1
            out = [(link, str(each)[:400]) for link in (0, 1) for each in caught[link] if not judge.unasked(each[1])]
            if out or shot.vnet == packets.PLAIN:
                tally.wrong.append(f"{number}: error {error}, and out came {out}")
        else:
            verdict = known.verdict(shot.link, shot.vnet, shot.frame)
            tally.unsure += not verdict.sure
            try:
                passed = judge.judge(shot, verdict, caught, guard != "off")
            except judge.Wrong as wrong:
                passed = bool(caught[1 - shot.link])
                tally.wrong.append(describe(number, shot, verdict, wrong))
            tally.passed += passed
            known.commit(passed)
        number += 1
    tap.ok(results.end(number), f"{engine}, guard={guard}: a result for each of {number}")
    return tallies


def report(engine, tallies):
    for kind, tally in tallies.items():
        tap.ok(not tally.wrong, f"{engine}, {kind}: {tally.shots} packets, {tally.passed} forwarded as they have to be")
        for wrong in tally.wrong[:SHOWN]:
            tap.diag(wrong)
        if tally.wrong:
            tap.diag(f"{len(tally.wrong)} of {tally.shots}")
    shots = sum(tally.shots for tally in tallies.values())
    unsure = sum(tally.unsure for kind, tally in tallies.items() if kind != "strays")
    refused = sum(tally.refused for tally in tallies.values())
    tap.ok(all(0 < tally.passed or tally.shots < FEW for tally in tallies.values()) and len(tallies) == len(packets.KINDS),
           f"{engine}: some of each kind are forwarded")
    tap.ok(unsure <= UNSURE_MAX * shots, f"{engine}: of {shots} the model is unsure about {unsure}")
    tap.ok(refused <= REFUSED_MAX * shots, f"{engine}: of {shots} the links refuse {refused}")
    return shots


def main():
    BUILD.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", BUILD / "shoot", HERE / "shoot.c"], check=True)
    made = {}
    for (engine, guard), share in SHARE.items():
        made[engine, guard] = packets.make(SEED, engine, guard, int(COUNT * share))
        with open(BUILD / f"{engine}-{guard}", "wb") as file:
            write(made[engine, guard], file)
    with open(BUILD / "said", "w+b") as said:
        command = [ROOT / "tests/vm/run", "--timeout", "600", "debug", HERE.relative_to(ROOT) / "guest"]
        machine = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, stdin=subprocess.DEVNULL, cwd=ROOT,
                                   bufsize=1 << 20)
        results, total = Results(machine.stdout), 0
        try:
            for (engine, guard), shots in made.items():
                total += report(f"{engine}, guard={guard}", run(engine, guard, shots, results))
        except EOFError as error:
            tap.ok(False, f"all results arrive: {error}")
        machine.stdout.read()
        if not tap.equal(machine.wait(), 0, "the kernel has nothing to complain about"):
            said.seek(0)
            tap.diag(said.read().decode("utf-8", "replace"))
    tap.ok(total >= COUNT, f"{total} packets, from the seed {SEED}")
    tap.done()


main()
