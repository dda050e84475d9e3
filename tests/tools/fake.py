"""Made-up modules: a directory that chatdnatctl takes for /sys/module/chatdnat."""

import pathlib
import shutil
import tempfile

import ctl
from lib import module

CONFIG = "wan=eth0 v4=10.9.0.2 v6=fd00:9::2 ports=25,993 scope=local masquerade=wan stale=flush enabled=1"
HEALTHY = dict.fromkeys(module.COUNTERS[:6], 100) | dict.fromkeys(module.COUNTERS[6:], 0)


class Fake:
    """A /sys/module/chatdnat as a module of some version shows it."""

    def __init__(self, config=CONFIG, stats=None, version=ctl.VERSION, last_error=""):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="chatdnat"))
        self.dir = self.top / "chatdnat"
        for family in module.FAMILIES:
            (self.dir / "stats" / family).mkdir(parents=True)
            for name, value in (HEALTHY | (stats or {})).items():
                self.write(f"stats/{family}/{name}", value)
        (self.dir / "parameters").mkdir()
        for name, value in (("version", version), ("last_error", last_error), ("parameters/config", config)):
            if value is not None:
                self.write(name, value)

    def write(self, path, value):
        data = value if isinstance(value, bytes) else str(value).encode()
        (self.dir / path).write_bytes(data + b"\n")

    def run(self, *args, **options):
        return ctl.fake(self.top, *args, **options)

    def __enter__(self):
        self.top.chmod(0o755)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top)


class Older(Fake):
    """One of before there were `config`, `last_error`, counters and a version."""

    def __init__(self):
        super().__init__(config=None, version=None, last_error=None)
        for word in CONFIG.split():
            name, _, value = word.partition("=")
            self.write(f"parameters/{name}", value)
        shutil.rmtree(self.dir / "stats")


def changed(**changes):
    return " ".join(f"{name}={changes.get(name, value)}" for name, _, value in
                    (word.partition("=") for word in CONFIG.split()))
