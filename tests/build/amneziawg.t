#!/usr/bin/python3
"""The parameters of AmneziaWG: within the limits that it documents, and encoded as each version of its driver reads them."""

import os
import pathlib
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import host
from host import tap

NAMES = ["Jc", "Jmin", "Jmax", "S1", "S2", "H1", "H2", "H3", "H4"]
GENERATED = 1000
PROGRAM = f"""
#include <stdio.h>
#include <stdlib.h>

#include "host/amneziawg.h"

int main(void)
{{
	struct amneziawg parameters;
	int i, version;

	for (i = 0; i < {GENERATED}; i++) {{
		char *text;

		if (!amneziawg_generate(&parameters))
			return 1;
		text = amneziawg_text(&parameters);
		puts(text);
		free(text);
	}}
	for (version = 1; version <= 3; version++) {{
		char buf[1024];
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
		const struct nlattr *attr;

		amneziawg_put(nlh, version, &parameters);
		mnl_attr_for_each(attr, nlh, 0) {{
			const unsigned char *bytes = mnl_attr_get_payload(attr);

			printf("%d %u ", version, mnl_attr_get_type(attr));
			for (i = 0; i < mnl_attr_get_payload_len(attr); i++)
				printf("%02x", bytes[i]);
			puts("");
		}}
	}}
	return 0;
}}
"""


def good(values):
    types = [values[name] for name in NAMES[5:]]
    return (1 <= values["Jc"] <= 128 and values["Jmin"] < values["Jmax"] <= 1280 and values["S1"] <= 1132 and values["S2"] <= 1188
            and values["S1"] + 56 != values["S2"] and len(set(types)) == 4 and min(types) >= 5 and max(types) < 2 ** 31)


def main():
    tools = host.ROOT / "tools"
    with host.temporary() as top:
        source, program = pathlib.Path(top) / "main.c", pathlib.Path(top) / "main"
        source.write_text(PROGRAM, encoding="ascii")
        host.works("is built", "sh", "-c", f'cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -I{tools} -o "$1" "$2" {tools}/host/amneziawg.c {tools}/lib/mem.c $(pkg-config --cflags --libs libmnl)',
                   "sh", program, source)
        text = host.works("runs", program).text
    *sets, attributes = text.strip().split("\n\n")
    sets = [dict(line.split(" = ") for line in lines.splitlines()) for lines in sets]
    tap.equal([len(sets), {tuple(each) for each in sets}], [GENERATED, {tuple(NAMES)}], "all of them are generated")
    sets = [{name: int(value) for name, value in each.items()} for each in sets]
    tap.equal([each for each in sets if not good(each)], [], "they are within the limits")
    tap.ok(len({tuple(each.values()) for each in sets}) == GENERATED, "no two are the same")
    last = list(sets[-1].values())
    types = {1: [struct.pack("=I", each) for each in last[5:]], 2: [f"{each}\0".encode() for each in last[5:]],
             3: [struct.pack("=II", each, each) for each in last[5:]]}
    for version, encoded in types.items():
        expected = [f"{version} {number} {value.hex()}" for number, value in enumerate([struct.pack("=H", each) for each in last[:5]] + encoded, 9)]
        tap.equal([line for line in attributes.splitlines() if line.startswith(f"{version} ")], expected, f"version {version} of the netlink family: Jc is attribute 9")
    tap.done()


main()
