"""The kernel log since the last look."""

import os
import re

_SUSPICIOUS = re.compile(
    r"WARNING|BUG:|Oops|suspicious RCU|possible circular locking|possible recursive locking|"
    r"inconsistent lock state|sleeping function called|refcount_t|KASAN|UBSAN|unreferenced object|"
    r"leaked|general protection|stack segment|soft lockup|hung task|blocked for more than")

_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")


class Reader:
    def __init__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(self.fd, 0, os.SEEK_END)

    def messages(self):
        """What has been logged since the last call."""
        found = []
        while True:
            try:
                record = os.read(self.fd, 8192)
            except BlockingIOError:
                return found
            except BrokenPipeError:
                # The ring went round; reading continues at the oldest record.
                continue
            text = record.decode("utf-8", "replace").split(";", 1)[1]
            # Lines with a leading blank are the record's dictionary.
            found.append(_ESCAPED.sub(lambda match: chr(int(match[1], 16)), text.split("\n", 1)[0]))


def suspicious(messages):
    return [text for text in messages if _SUSPICIOUS.search(text)]
