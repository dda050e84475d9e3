#!/usr/bin/python3
"""What each parameter accepts, how it reads back, and how it refuses the rest."""

import os
import re
import sys
from errno import E2BIG, EINVAL, ERANGE

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, tap

CHATMAIL = "25,80,143,443,465,587,993"
DEFAULTS = {"wan": "", "v4": "", "v6": "", "ports": CHATMAIL, "scope": "local",
            "masquerade": "wan", "guard": "off", "allow": "22", "mss": "auto", "via": "",
            "stale": "flush", "enabled": "1", "hairpin": "0", "log": "off",
            "fast": "auto", "engine": "tracked"}
# Nothing in here is a default: a refused write that resets anything shows.
START = {"wan": "ppp+,eth7", "v4": "10.9.0.9", "v6": "fd00:9::9", "ports": "26,3479/udp",
         "scope": "any", "masquerade": "all", "guard": "full", "allow": "23,51820/udp",
         "mss": "1300", "via": "wg7", "stale": "keep", "enabled": "0", "hairpin": "1", "log": "drops",
         "fast": "on", "engine": "auto"}

MANY_PORTS = ",".join(str(port) for port in range(1000, 1256, 2))
MANY_V4 = ",".join(f"10.9.0.2@203.0.113.{n}" for n in range(1, 17))
MANY_V6 = ",".join(f"fd00:9::2@2001:db8::{n}" for n in range(1, 10))
LONG_V6 = ",".join(f"fd00:1234:5678:9abc:def0:1234:5678:9ab{n:x}@"
                   f"2001:1db8:5678:9abc:def0:1234:5678:9ab{n:x}" for n in range(16))
LONG_PORTS = ",".join(f"{port}-{port + 1}/udp" for port in range(10000, 10192, 3))


def config(**changes):
    return " ".join(f"{name}={value}" for name, value in {**DEFAULTS, **changes}.items())


# (parameter, written, read back); None where the contract leaves the canonical spelling open.
ACCEPTED = [
    ("wan", "", ""),
    ("wan", "eth0", "eth0"),
    ("wan", "e", "e"),
    ("wan", "ppp+", "ppp+"),
    ("wan", "+", "+"),
    ("wan", "eth0,ppp+", "eth0,ppp+"),
    ("wan", "ppp+,eth0", "ppp+,eth0"),
    ("wan", "eth0,eth0", "eth0"),
    ("wan", "ppp+,eth0,ppp+", "ppp+,eth0"),
    ("wan", "eth0,eth+", "eth0,eth+"),
    ("wan", "eth0.100", "eth0.100"),
    ("wan", "wan-uplink_1", "wan-uplink_1"),
    ("wan", "ETH0,eth0", "ETH0,eth0"),
    ("wan", "a+b", "a+b"),
    ("wan", "...", "..."),
    ("wan", "7", "7"),
    ("wan", "abcdefghijklmno", "abcdefghijklmno"),
    ("wan", "abcdefghijklmn+", "abcdefghijklmn+"),
    ("wan", "a,b,c,d,e,f,g,h", "a,b,c,d,e,f,g,h"),

    ("v4", "", ""),
    ("v4", "10.9.0.2", "10.9.0.2"),
    ("v4", "1.0.0.0", "1.0.0.0"),
    ("v4", "100.64.0.1", "100.64.0.1"),
    ("v4", "126.255.255.255", "126.255.255.255"),
    ("v4", "128.0.0.0", "128.0.0.0"),
    ("v4", "169.253.0.1", "169.253.0.1"),
    ("v4", "169.255.0.1", "169.255.0.1"),
    ("v4", "192.168.100.200", "192.168.100.200"),
    ("v4", "223.255.255.255", "223.255.255.255"),
    ("v4", "10.9.0.2@203.0.113.1", "10.9.0.2@203.0.113.1"),
    ("v4", "10.9.0.2@203.0.113.1,10.9.0.3@203.0.113.2", None),
    ("v4", "10.9.0.2@203.0.113.1,10.9.0.2@203.0.113.2", None),
    ("v4", "10.9.0.2@203.0.113.1,10.9.0.3", None),
    ("v4", "10.9.0.3,10.9.0.2@203.0.113.1", None),
    ("v4", "10.9.0.2@10.9.0.1", "10.9.0.2@10.9.0.1"),
    ("v4", MANY_V4, None),

    ("v6", "", ""),
    ("v6", "fd00:9::2", "fd00:9::2"),
    ("v6", "FD00:9::ABCD", "fd00:9::abcd"),
    ("v6", "fd00:0009:0:0:0:0:0:2", "fd00:9::2"),
    ("v6", "fd00:0009:0000:0000:0000:0000:0000:0002", "fd00:9::2"),
    ("v6", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("v6", "2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
    ("v6", "2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
    ("v6", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("v6", "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("v6", "2001:db8::0:1", "2001:db8::1"),
    ("v6", "2001:db8:1:2:3:4:5::", "2001:db8:1:2:3:4:5:0"),
    ("v6", "2001:db8::", "2001:db8::"),
    ("v6", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
    ("v6", "64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("v6", "2001:db8:1:2:3:4:192.0.2.33", "2001:db8:1:2:3:4:c000:221"),
    ("v6", "2001:db8::5efe:192.0.2.33", None),
    ("v6", "2001:db8::ffff:192.0.2.33", "2001:db8::ffff:c000:221"),
    ("v6", "fe7f::1", "fe7f::1"),
    ("v6", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("v6", "fd00:9::2@2001:DB8:0:0:0:0:0:1", "fd00:9::2@2001:db8::1"),
    ("v6", "fd00:9::2@2001:db8::1,fd00:9::3@2001:db8::2", None),
    ("v6", "fd00:9::2,fd00:9::3@2001:db8::2", None),
    ("v6", LONG_V6, None),

    ("ports", "chatmail", CHATMAIL),
    ("ports", "smtp", "25"),
    ("ports", "http", "80"),
    ("ports", "imap", "143"),
    ("ports", "https", "443"),
    ("ports", "submissions", "465"),
    ("ports", "submission", "587"),
    ("ports", "imaps", "993"),
    ("ports", "turn", "3478/udp"),
    ("ports", "turn/udp", "3478/udp"),
    ("ports", "turn/tcp", "3478"),
    ("ports", "https/udp", "443/udp"),
    ("ports", "smtp/tcp", "25"),
    ("ports", "chatmail/tcp", CHATMAIL),
    ("ports", "chatmail/udp", "25/udp,80/udp,143/udp,443/udp,465/udp,587/udp,993/udp"),
    ("ports", "chatmail,turn", CHATMAIL + ",3478/udp"),
    ("ports", "turn,chatmail", CHATMAIL + ",3478/udp"),
    ("ports", "1", "1"),
    ("ports", "65535", "65535"),
    ("ports", "25/tcp", "25"),
    ("ports", "80,25", "25,80"),
    ("ports", "25,25", "25"),
    ("ports", "smtp,25,25/tcp,25-25", "25"),
    ("ports", "25-25", "25"),
    ("ports", "80,81", "80-81"),
    ("ports", "80,82,81", "80-82"),
    ("ports", "80-90,85-95", "80-95"),
    ("ports", "80-90,91-95", "80-95"),
    ("ports", "80-90,92-95", "80-90,92-95"),
    ("ports", "80-99,85-90", "80-99"),
    ("ports", "1-21,23-65535", "1-21,23-65535"),
    ("ports", "65534-65535", "65534-65535"),
    ("ports", "443/udp,443", "443,443/udp"),
    ("ports", "444/udp,443", "443,444/udp"),
    ("ports", "1-65535/udp", "1-65535/udp"),
    ("ports", "20-30/udp", "20-30/udp"),
    ("ports", "10-20/udp,21/udp", "10-21/udp"),
    ("ports", "turn,49152-65535/udp", "3478/udp,49152-65535/udp"),
    ("ports", "3477/udp,turn", "3477-3478/udp"),
    ("ports", "ssh", "22"),
    ("ports", "22", "22"),
    ("ports", "22/tcp,ssh", "22"),
    ("ports", "ssh/udp", "22/udp"),
    ("ports", "ssh/udp,21/udp,23/udp", "21-23/udp"),
    ("ports", "ssh,chatmail", "22," + CHATMAIL),
    ("ports", "21,22", "21,22"),
    ("ports", "23,22,21", "21,22,23"),
    ("ports", "1-21,22,23-65535", "1-21,22,23-65535"),
    ("ports", "24,23,22,22/udp", "22,23-24,22/udp"),
    ("ports", MANY_PORTS, MANY_PORTS),

    ("scope", "local", "local"),
    ("scope", "any", "any"),
    ("masquerade", "off", "off"),
    ("masquerade", "wan", "wan"),
    ("masquerade", "all", "all"),
    ("guard", "off", "off"),
    ("guard", "forward", "forward"),
    ("guard", "full", "full"),
    ("guard", "strict", "strict"),

    ("allow", "", ""),
    ("allow", "ssh", "22"),
    ("allow", "ssh,51820/udp", "22,51820/udp"),
    ("allow", "51820/udp,ssh", "22,51820/udp"),
    ("allow", "chatmail,turn", CHATMAIL + ",3478/udp"),
    ("allow", "22-22", "22"),
    ("allow", "21,22", "21-22"),
    ("allow", "20-30", "20-30"),
    ("allow", "22,20-30", "20-30"),
    ("allow", "23,22,21", "21-23"),
    ("allow", "21-22/tcp", "21-22"),
    ("allow", "1-65535,1-65535/udp", "1-65535,1-65535/udp"),
    ("allow", "ssh/udp,21/udp", "21-22/udp"),
    ("allow", MANY_PORTS, MANY_PORTS),
    ("allow", "vrrp", "112/ip"),
    ("allow", "112/ip", "112/ip"),
    ("allow", "vrrp/ip,ospf,gre,esp", "47/ip,50/ip,89/ip,112/ip"),
    ("allow", "vrrp,51820/udp,ssh,112/ip,2/ip", "22,51820/udp,2/ip,112/ip"),
    ("allow", "255/ip,253/ip,254/ip", "253/ip,254/ip,255/ip"),

    ("mss", "auto", "auto"),
    ("mss", "off", "off"),
    ("mss", "536", "536"),
    ("mss", "1380", "1380"),
    ("mss", "65495", "65495"),

    ("via", "", ""),
    ("via", "wg0", "wg0"),
    ("via", "e", "e"),
    ("via", "eth0.100", "eth0.100"),
    ("via", "a+b", "a+b"),
    ("via", "+b", "+b"),
    ("via", "abcdefghijklmno", "abcdefghijklmno"),

    ("hairpin", "0", "0"),
    ("hairpin", "1", "1"),
    ("log", "off", "off"),
    ("log", "drops", "drops"),
    # "stateless" has its case: what the other parameters are here cannot be served so.
    ("fast", "auto", "auto"),
    ("fast", "on", "on"),
    ("fast", "off", "off"),
    ("engine", "tracked", "tracked"),
    ("engine", "auto", "auto"),
    ("stale", "flush", "flush"),
    ("stale", "keep", "keep"),
    ("enabled", "0", "0"),
    ("enabled", "1", "1"),

    ("config", "wan=eth0", config(wan="eth0")),
    ("config", "wan=eth0 v4=10.9.0.2 v6=fd00:9::2",
     config(wan="eth0", v4="10.9.0.2", v6="fd00:9::2")),
    ("config", "v6=FD00:9::2 v4=10.9.0.2 wan=eth0",
     config(wan="eth0", v4="10.9.0.2", v6="fd00:9::2")),
    ("config", "wan= v4= v6=", config()),
    ("config", "ports=ssh,chatmail enabled=0", config(ports="22," + CHATMAIL, enabled="0")),
    ("config", "enabled=0", config(enabled="0")),
    ("config", "stale=keep masquerade=off scope=any",
     config(scope="any", masquerade="off", stale="keep")),
    ("config", "wan=eth0,eth0 ports=turn,https", config(wan="eth0", ports="443,3478/udp")),
    ("config", "log=drops hairpin=1 via=wg0 mss=1380 allow= guard=full",
     config(guard="full", allow="", mss="1380", via="wg0", hairpin="1", log="drops")),
    ("config", "allow=51820/udp,ssh via= mss=off",
     config(allow="22,51820/udp", via="", mss="off")),
    ("config", "engine=stateless", config(engine="stateless")),
    ("config", "engine=stateless masquerade=off v4=10.9.0.2 wan=eth0",
     config(wan="eth0", v4="10.9.0.2", masquerade="off", engine="stateless")),
    ("config", "engine=auto scope=any masquerade=all v4=10.9.0.2",
     config(v4="10.9.0.2", scope="any", masquerade="all", engine="auto")),
    ("config", config(), config()),
    ("config", config(**START), config(**START)),
]

TOO_LARGE = (ERANGE, EINVAL)
ANY_LENGTH = (E2BIG, EINVAL)

# (parameter, written, errno, what last_error has to quote); without the last it has to quote some part of what
# was written.
REFUSED = [
    ("wan", ",", EINVAL),
    ("wan", ",eth0", EINVAL),
    ("wan", "eth0,", EINVAL),
    ("wan", "eth0,,eth1", EINVAL),
    ("wan", " eth0", EINVAL),
    ("wan", "eth0 ", EINVAL),
    ("wan", "eth0, eth1", EINVAL, " eth1"),
    ("wan", "eth 0", EINVAL),
    ("wan", "eth0\teth1", EINVAL),
    ("wan", "eth0\n", EINVAL),
    ("wan", "\neth0", EINVAL),
    ("wan", "eth0\r", EINVAL),
    ("wan", "eth0\v", EINVAL),
    ("wan", "eth0\x01", EINVAL),
    ("wan", "eth0\x7f", EINVAL),
    ("wan", " ", EINVAL),
    ("wan", "eth/0", EINVAL),
    ("wan", "/", EINVAL),
    ("wan", "eth0,a/b", EINVAL, "a/b"),
    ("wan", "eth0:1", EINVAL),
    ("wan", ".", EINVAL),
    ("wan", "..", EINVAL),
    ("wan", "\"eth0\"", EINVAL),
    ("wan", "'eth0'", EINVAL),
    ("wan", "eth0\"", EINVAL),
    ("wan", "abcdefghijklmnop", ANY_LENGTH),
    ("wan", "abcdefghijklmno+", ANY_LENGTH),
    ("wan", "eth0,abcdefghijklmnop", ANY_LENGTH, "abcdefghijklmnop"),
    ("wan", "a,b,c,d,e,f,g,h,i", E2BIG),
    ("wan", "a" * 2049, E2BIG, "aaaaaaaa"),
    ("wan", "a," * 1024 + "b", E2BIG),

    ("v4", "10.9.0", EINVAL),
    ("v4", "10.9", EINVAL),
    ("v4", "10", EINVAL),
    ("v4", "10.9.0.2.3", EINVAL),
    ("v4", "10.9.0.256", TOO_LARGE),
    ("v4", "10.9.0.4294967298", TOO_LARGE),
    ("v4", "010.9.0.2", EINVAL),
    ("v4", "10.9.0.02", EINVAL),
    ("v4", "10.9.00.2", EINVAL),
    ("v4", "0x0a.9.0.2", EINVAL),
    ("v4", "10.9.0.2/32", EINVAL),
    ("v4", "10.9.0.2%eth0", EINVAL),
    ("v4", "10.9.0.2:25", EINVAL),
    ("v4", "10.9.0.-2", EINVAL),
    ("v4", "+10.9.0.2", EINVAL),
    ("v4", "10.9.0.2 ", EINVAL),
    ("v4", " 10.9.0.2", EINVAL),
    ("v4", "10.9.0.2\n", EINVAL),
    ("v4", "10. 9.0.2", EINVAL),
    ("v4", "10..0.2", EINVAL),
    ("v4", ".10.9.0.2", EINVAL),
    ("v4", "10.9.0.2.", EINVAL),
    ("v4", "10.9.0.a", EINVAL),
    ("v4", "167772162", EINVAL),
    ("v4", "localhost", EINVAL),
    ("v4", "relay.example", EINVAL),
    ("v4", "fd00:9::2", EINVAL),
    ("v4", "::ffff:10.9.0.2", EINVAL),
    ("v4", "\"10.9.0.2\"", EINVAL),
    ("v4", "0.0.0.0", EINVAL),
    ("v4", "0.1.2.3", EINVAL),
    ("v4", "127.0.0.1", EINVAL),
    ("v4", "127.255.255.255", EINVAL),
    ("v4", "169.254.1.1", EINVAL),
    ("v4", "224.0.0.1", EINVAL),
    ("v4", "239.255.255.255", EINVAL),
    ("v4", "255.255.255.255", EINVAL),
    ("v4", "10.9.0.2,10.9.0.3", EINVAL, "10.9.0.3"),
    ("v4", "10.9.0.2,10.9.0.2", EINVAL, "10.9.0.2"),
    ("v4", "10.9.0.2,", EINVAL),
    ("v4", ",10.9.0.2", EINVAL),
    ("v4", ",", EINVAL),
    ("v4", "10.9.0.2;10.9.0.3", EINVAL),
    ("v4", "10.9.0.2@", EINVAL),
    ("v4", "@203.0.113.1", EINVAL),
    ("v4", "@", EINVAL),
    ("v4", "10.9.0.2@203.0.113.1@203.0.113.2", EINVAL),
    ("v4", "10.9.0.2@203.0.113.1,10.9.0.3@203.0.113.1", EINVAL, "203.0.113.1"),
    ("v4", "10.9.0.2@10.9.0.2", EINVAL),
    ("v4", "10.9.0.2@127.0.0.1", EINVAL),
    ("v4", "10.9.0.2@0.0.0.0", EINVAL),
    ("v4", "10.9.0.2@224.0.0.1", EINVAL),
    ("v4", "10.9.0.2@169.254.3.4", EINVAL),
    ("v4", "10.9.0.2@255.255.255.255", EINVAL),
    ("v4", "127.0.0.1@203.0.113.1", EINVAL),
    ("v4", "10.9.0.2@fd00::1", EINVAL),
    ("v4", "10.9.0.2 @203.0.113.1", EINVAL),
    ("v4", "10.9.0.2@ 203.0.113.1", EINVAL),
    ("v4", ",".join(f"10.9.0.2@203.0.113.{n}" for n in range(1, 18)), E2BIG),
    ("v4", "1" * 2049, E2BIG, "11111111"),

    ("v6", ":", EINVAL),
    ("v6", ":::", EINVAL),
    ("v6", "::", EINVAL),
    ("v6", "0:0:0:0:0:0:0:0", EINVAL),
    ("v6", "::1", EINVAL),
    ("v6", "0:0:0:0:0:0:0:1", EINVAL),
    ("v6", "fd00:9", EINVAL),
    ("v6", "fd00:9::2::3", EINVAL),
    ("v6", "fd00:9:::2", EINVAL),
    ("v6", "fd00:9::2/64", EINVAL),
    ("v6", "fd00:9::2%eth0", EINVAL),
    ("v6", "[fd00:9::2]", EINVAL),
    ("v6", "fe80::1", EINVAL),
    ("v6", "fe80::1%eth0", EINVAL),
    ("v6", "febf::1", EINVAL),
    ("v6", "ff02::1", EINVAL),
    ("v6", "ff00::", EINVAL),
    ("v6", "::ffff:10.9.0.2", EINVAL),
    ("v6", "::ffff:a09:2", EINVAL),
    ("v6", "0:0:0:0:0:ffff:a09:2", EINVAL),
    ("v6", "::10.9.0.2", EINVAL),
    ("v6", "::a09:2", EINVAL),
    ("v6", "fd00:12345::1", EINVAL),
    ("v6", "fd00:00009::1", EINVAL),
    ("v6", "fd00:g::1", EINVAL),
    ("v6", "0xfd00::1", EINVAL),
    ("v6", "1:2:3:4:5:6:7", EINVAL),
    ("v6", "1:2:3:4:5:6:7:8:9", EINVAL),
    ("v6", ":1:2:3:4:5:6:7", EINVAL),
    ("v6", "1:2:3:4:5:6:7:", EINVAL),
    ("v6", "1:2:3:4:5:6:7:8:", EINVAL),
    ("v6", "::1:2:3:4:5:6:7:8", EINVAL),
    ("v6", "1:2:3:4:5:6:7:8::", EINVAL),
    ("v6", "fd00:9::1.2.3", EINVAL),
    ("v6", "fd00:9::1.2.3.256", EINVAL),
    ("v6", "fd00:9::01.2.3.4", EINVAL),
    ("v6", "1:2:3:4:5:6:7:1.2.3.4", EINVAL),
    ("v6", "fd00:1.2.3.4::1", EINVAL),
    ("v6", "10.9.0.2", EINVAL),
    ("v6", "fd00:9::2 ", EINVAL),
    ("v6", "fd00: 9::2", EINVAL),
    ("v6", "fd00:9::2\n", EINVAL),
    ("v6", "fd00:9::2,", EINVAL),
    ("v6", "fd00:9::2,fd00:9::3", EINVAL, "fd00:9::3"),
    ("v6", "fd00:9::2@", EINVAL),
    ("v6", "fd00:9::2@fd00:9::2", EINVAL),
    ("v6", "fd00:9::2@FD00:9:0::2", EINVAL),
    ("v6", "fd00:9::2@2001:db8::1,fd00:9::3@2001:DB8:0::1", EINVAL),
    ("v6", "fd00:9::2@10.0.0.1", EINVAL),
    ("v6", "fd00:9::2@::1", EINVAL),
    ("v6", "fd00:9::2@fe80::1", EINVAL),
    ("v6", ",".join(f"fd00:9::2@2001:db8::{n:x}" for n in range(1, 18)), E2BIG),
    ("v6", "f" * 2049, E2BIG, "ffffffff"),

    ("ports", "", EINVAL),
    ("ports", ",", EINVAL),
    ("ports", "25,", EINVAL),
    ("ports", ",25", EINVAL),
    ("ports", "25,,80", EINVAL),
    ("ports", " 25", EINVAL),
    ("ports", "25 ", EINVAL),
    ("ports", "25, 80", EINVAL, " 80"),
    ("ports", "25 80", EINVAL),
    ("ports", "25;80", EINVAL),
    ("ports", "25\t", EINVAL),
    ("ports", "25\n", EINVAL),
    ("ports", "\"25\"", EINVAL),
    ("ports", "0", TOO_LARGE),
    ("ports", "0/udp", TOO_LARGE),
    ("ports", "0-10", TOO_LARGE),
    ("ports", "65536", TOO_LARGE),
    ("ports", "25,65536/udp", TOO_LARGE, "65536"),
    ("ports", "60000-65536", TOO_LARGE),
    ("ports", "4294967321", TOO_LARGE),
    ("ports", "18446744073709551641", TOO_LARGE),
    ("ports", "025", EINVAL),
    ("ports", "00025", EINVAL),
    ("ports", "80-081", EINVAL),
    ("ports", "0x19", EINVAL),
    ("ports", "-25", EINVAL),
    ("ports", "+25", EINVAL),
    ("ports", "25-", EINVAL),
    ("ports", "-", EINVAL),
    ("ports", "90-80", EINVAL),
    ("ports", "25,90-80,443", EINVAL, "90-80"),
    ("ports", "80-85-90", EINVAL),
    ("ports", "80--90", EINVAL),
    ("ports", "80 - 90", EINVAL),
    ("ports", "25/", EINVAL),
    ("ports", "25/sctp", EINVAL),
    ("ports", "25/TCP", EINVAL),
    ("ports", "25/tcp/udp", EINVAL),
    ("ports", "25//tcp", EINVAL),
    ("ports", "25/6", EINVAL),
    ("ports", "25 /tcp", EINVAL),
    ("ports", "25/tcp-30", EINVAL),
    ("ports", "/tcp", EINVAL),
    ("ports", "tcp", EINVAL),
    ("ports", "SMTP", EINVAL),
    ("ports", "Smtp", EINVAL),
    ("ports", "pop3", EINVAL),
    ("ports", "imapss", EINVAL),
    ("ports", "ima", EINVAL),
    ("ports", "smtp-imap", EINVAL),
    ("ports", "25-imap", EINVAL),
    ("ports", "chatmail/sctp", EINVAL),
    ("ports", "all", EINVAL),
    ("ports", "*", EINVAL),
    ("ports", "25.5", EINVAL),
    ("ports", "22-22", EINVAL),
    ("ports", "20-30", EINVAL),
    ("ports", "21-22/tcp", EINVAL),
    ("ports", "22-23", EINVAL),
    ("ports", "1-65535", EINVAL),
    ("ports", "22,20-30", EINVAL, "20-30"),
    ("ports", "ssh-80", EINVAL),
    ("ports", MANY_PORTS + ",1256", E2BIG),
    ("ports", "1" * 2049, E2BIG, "11111111"),

    ("scope", "", EINVAL),
    ("scope", "Local", EINVAL),
    ("scope", "LOCAL", EINVAL),
    ("scope", "local ", EINVAL),
    ("scope", " any", EINVAL),
    ("scope", "any\n", EINVAL),
    ("scope", "local,any", EINVAL),
    ("scope", "loca", EINVAL),
    ("scope", "locall", EINVAL),
    ("scope", "\"any\"", EINVAL),
    ("scope", "0", EINVAL),
    ("scope", "l" * 2049, E2BIG, "llllllll"),
    ("masquerade", "", EINVAL),
    ("masquerade", "on", EINVAL),
    ("masquerade", "OFF", EINVAL),
    ("masquerade", "wan,all", EINVAL),
    ("masquerade", "wan ", EINVAL),
    ("masquerade", "1", EINVAL),
    ("masquerade", "eth0", EINVAL),
    ("guard", "", EINVAL),
    ("guard", "on", EINVAL),
    ("guard", "1", EINVAL),
    ("guard", "Full", EINVAL),
    ("guard", "FORWARD", EINVAL),
    ("guard", "full ", EINVAL),
    ("guard", " off", EINVAL),
    ("guard", "forward,full", EINVAL),
    ("guard", "forwar", EINVAL),
    ("guard", "fullest", EINVAL),
    ("guard", "Strict", EINVAL),
    ("guard", "strict,full", EINVAL),
    ("guard", "full\n", EINVAL),

    ("allow", ",", EINVAL),
    ("allow", "22,", EINVAL),
    ("allow", ",22", EINVAL),
    ("allow", "22,,80", EINVAL),
    ("allow", "22, 80", EINVAL, " 80"),
    ("allow", " 22", EINVAL),
    ("allow", "22\n", EINVAL),
    ("allow", "0", TOO_LARGE),
    ("allow", "65536", TOO_LARGE),
    ("allow", "22,65536/udp", TOO_LARGE, "65536"),
    ("allow", "022", EINVAL),
    ("allow", "23-22", EINVAL),
    ("allow", "22/sctp", EINVAL),
    ("allow", "22/UDP", EINVAL),
    ("allow", "SSH", EINVAL),
    ("allow", "wireguard", EINVAL),
    ("allow", "icmp", EINVAL),
    ("allow", "VRRP", EINVAL),
    ("allow", "vrrp/udp", EINVAL),
    ("allow", "gre/47", EINVAL),
    ("allow", "0/ip", TOO_LARGE),
    ("allow", "256/ip", TOO_LARGE),
    ("allow", "ssh,256/ip", TOO_LARGE, "256/ip"),
    ("allow", "6/ip", EINVAL),
    ("allow", "17/ip", EINVAL),
    ("allow", "1/ip", EINVAL),
    ("allow", "58/ip", EINVAL),
    ("allow", "112-113/ip", EINVAL),
    ("allow", "0112/ip", EINVAL),
    ("allow", "/ip", EINVAL),
    ("allow", "112/IP", EINVAL),
    ("allow", "ip", EINVAL),
    ("ports", "vrrp", EINVAL),
    ("ports", "25,112/ip", EINVAL, "112/ip"),
    ("ports", "esp", EINVAL),
    ("allow", "all", EINVAL),
    ("allow", "off", EINVAL),
    ("allow", MANY_PORTS + ",1256", E2BIG),
    ("allow", "1" * 2049, E2BIG, "11111111"),

    ("mss", "", EINVAL),
    ("mss", "on", EINVAL),
    ("mss", "AUTO", EINVAL),
    ("mss", "auto ", EINVAL),
    ("mss", "0", TOO_LARGE),
    ("mss", "1", TOO_LARGE),
    ("mss", "535", TOO_LARGE),
    ("mss", "65496", TOO_LARGE),
    ("mss", "65536", TOO_LARGE),
    ("mss", "66072", TOO_LARGE),
    ("mss", "4294968676", TOO_LARGE),
    ("mss", "18446744073709552996", TOO_LARGE),
    ("mss", "01380", EINVAL),
    ("mss", "-1380", EINVAL),
    ("mss", "+1380", EINVAL),
    ("mss", "0x564", EINVAL),
    ("mss", "1380 ", EINVAL),
    ("mss", "1380\n", EINVAL),
    ("mss", "1380,1360", EINVAL),
    ("mss", "1380-1400", EINVAL),

    ("via", ",", EINVAL),
    ("via", "wg0,wg1", EINVAL),
    ("via", "wg0,", EINVAL),
    ("via", "wg+", EINVAL),
    ("via", "+", EINVAL),
    ("via", "wg 0", EINVAL),
    ("via", " wg0", EINVAL),
    ("via", "wg0 ", EINVAL),
    ("via", "wg0\n", EINVAL),
    ("via", "wg0\x7f", EINVAL),
    ("via", "wg/0", EINVAL),
    ("via", "wg0:1", EINVAL),
    ("via", ".", EINVAL),
    ("via", "..", EINVAL),
    ("via", "\"wg0\"", EINVAL),
    ("via", "abcdefghijklmnop", ANY_LENGTH),
    ("via", "v" * 2049, E2BIG, "vvvvvvvv"),

    ("hairpin", "", EINVAL),
    ("hairpin", "2", TOO_LARGE),
    ("hairpin", "01", EINVAL),
    ("hairpin", "on", EINVAL),
    ("hairpin", "Y", EINVAL),
    ("hairpin", "1 ", EINVAL),
    ("log", "", EINVAL),
    ("log", "on", EINVAL),
    ("log", "1", EINVAL),
    ("log", "Drops", EINVAL),
    ("log", "drop", EINVAL),
    ("log", "drops,off", EINVAL),
    ("log", "drops\n", EINVAL),
    ("fast", "", EINVAL),
    ("fast", "1", EINVAL),
    ("fast", "Auto", EINVAL),
    ("fast", "off ", EINVAL),
    ("engine", "", EINVAL),
    ("engine", "Tracked", EINVAL),
    ("engine", "AUTO", EINVAL),
    ("engine", "stateful", EINVAL),
    ("engine", "track", EINVAL),
    ("engine", "auto ", EINVAL),
    ("engine", " auto", EINVAL),
    ("engine", "auto\n", EINVAL),
    ("engine", "tracked,stateless", EINVAL),
    ("engine", "0", EINVAL),
    ("engine", "a" * 2049, E2BIG, "aaaaaaaa"),
    ("engine", "stateless", EINVAL, "scope=local"),
    ("stale", "", EINVAL),
    ("stale", "drop", EINVAL),
    ("stale", "Flush", EINVAL),
    ("stale", "flush,keep", EINVAL),
    ("stale", "keep\n", EINVAL),
    ("enabled", "", EINVAL),
    ("enabled", "2", (EINVAL, ERANGE)),
    ("enabled", "-1", (EINVAL, ERANGE)),
    ("enabled", "10", (EINVAL, ERANGE)),
    ("enabled", "01", EINVAL),
    ("enabled", "00", EINVAL),
    ("enabled", "+1", EINVAL),
    ("enabled", "0x1", EINVAL),
    ("enabled", "1 ", EINVAL),
    ("enabled", "yes", EINVAL),
    ("enabled", "Y", EINVAL),
    ("enabled", "true", EINVAL),
    ("enabled", "on", EINVAL),

    ("config", "relay=10.9.0.2", EINVAL, "relay"),
    ("config", "wan=eth0 colour=red", EINVAL, "colour"),
    ("config", "config=wan", EINVAL, "config"),
    ("config", "last_error=x", EINVAL, "last_error"),
    ("config", "WAN=eth0", EINVAL, "WAN"),
    ("config", "wa=eth0", EINVAL, "wa"),
    ("config", "=eth0", EINVAL),
    ("config", "=", EINVAL),
    ("config", "wan", EINVAL),
    ("config", "wan=eth0 v4", EINVAL, "v4"),
    ("config", "wan=eth0 wan=eth1", EINVAL, "wan"),
    ("config", "wan=eth0 v4=10.9.0.2 wan=eth0", EINVAL, "wan"),
    ("config", "wan=eth0  v4=10.9.0.2", EINVAL),
    ("config", " wan=eth0", EINVAL),
    ("config", "wan=eth0 ", EINVAL),
    ("config", " ", EINVAL),
    ("config", "wan=eth0\tv4=10.9.0.2", EINVAL),
    ("config", "wan=eth0\nv4=10.9.0.2", EINVAL),
    ("config", "wan=eth0\n", EINVAL),
    ("config", "wan = eth0", EINVAL),
    ("config", "wan=\"eth0\"", EINVAL, "\"eth0\""),
    ("config", "\"wan=eth0\"", EINVAL),
    ("config", "v4=10.9.0.2,v6=fd00:9::2", EINVAL, "v6=fd00:9::2"),
    ("config", "wan=eth0 v4=127.0.0.1", EINVAL, "127.0.0.1"),
    ("config", "v4=10.9.0.3 v6=fe80::1", EINVAL, "fe80::1"),
    ("config", "wan=eth0 ports=", EINVAL, "ports"),
    ("config", "ports=20-30", EINVAL, "20-30"),
    ("config", "ports=65536", TOO_LARGE, "65536"),
    ("config", "scope=all", EINVAL, "all"),
    ("config", "masquerade=", EINVAL, "masquerade"),
    ("config", "guard=on", EINVAL, "on"),
    ("config", "guard=full guard=full", EINVAL, "guard"),
    ("config", "guard=", EINVAL, "guard"),
    ("config", "allow=22,wg", EINVAL, "wg"),
    ("config", "mss=535", TOO_LARGE, "535"),
    ("config", "via=wg0,wg1", EINVAL, "wg0,wg1"),
    ("config", "hairpin=yes", EINVAL, "yes"),
    ("config", "log=all", EINVAL, "all"),
    ("config", "engine=fast", EINVAL, "fast"),
    ("config", "engine=", EINVAL, "engine"),
    ("config", "engine=auto engine=auto", EINVAL, "engine"),
    ("config", "v4=10.9.0.2 scope=any engine=stateless", EINVAL, "scope=local"),
    ("config", "v6=fd00:9::2 scope=any engine=stateless", EINVAL, "scope=local"),
    ("config", "v4=10.9.0.2 engine=stateless masquerade=all", EINVAL, "masquerade=off or wan"),
    ("config", "v4=10.9.0.2 ports=25,40000 engine=stateless", EINVAL, "ip_local_port_range"),
    ("config", "v4=10.9.0.2 ports=turn engine=stateless", EINVAL, "ip_local_port_range"),
    ("config", "v4=10.9.0.2@203.0.113.1,10.9.0.2@203.0.113.2 engine=stateless", EINVAL, "one local address"),
    ("config", "v6=fd00:9::2@2001:db8::1,fd00:9::2 engine=stateless", EINVAL, "one local address"),
    ("config", "stale=flush enabled=2", (EINVAL, ERANGE), "2"),
    ("config", "enabled=", EINVAL, "enabled"),
    ("config", "wan=a,b,c,d,e,f,g,h,i", E2BIG),
    ("config", "v4=" + "1" * 2046, E2BIG),
    ("config", "x" * 2049, E2BIG),
    ("config", f"wan=abcdefghijklmno v6={LONG_V6} ports={LONG_PORTS}", E2BIG),
]

# What a refused load is tried with: one line each, the parameter at fault, its text.
LOADS_REFUSED = [
    ("wan=eth/0", "wan", "eth/0", EINVAL),
    ("wan=abcdefghijklmnop", "wan", "abcdefghijklmnop", ANY_LENGTH),
    ("wan=a,b,c,d,e,f,g,h,i", "wan", None, E2BIG),
    ("wan=eth0 v4=127.0.0.1", "v4", "127.0.0.1", EINVAL),
    ("wan=eth0 v4=10.9.0.2,10.9.0.3", "v4", "10.9.0.3", EINVAL),
    ("wan=eth0 v6=fe80::1", "v6", "fe80::1", EINVAL),
    ("v6=fd00:9::2@fd00:9::2", "v6", "fd00:9::2", EINVAL),
    ("ports=", "ports", None, EINVAL),
    ("ports=0", "ports", "0", TOO_LARGE),
    ("ports=65536", "ports", "65536", TOO_LARGE),
    ("ports=20-30", "ports", "20-30", EINVAL),
    ("ports=25,pop3", "ports", "pop3", EINVAL),
    ("scope=world", "scope", "world", EINVAL),
    ("masquerade=on", "masquerade", "on", EINVAL),
    ("guard=on", "guard", "on", EINVAL),
    ("allow=22,wg", "allow", "wg", EINVAL),
    ("mss=0", "mss", "0", TOO_LARGE),
    ("mss=1500x", "mss", "1500x", EINVAL),
    ("via=wg+", "via", "wg+", EINVAL),
    ("hairpin=2", "hairpin", "2", (EINVAL, ERANGE)),
    ("log=yes", "log", "yes", EINVAL),
    ("engine=fast", "engine", "fast", EINVAL),
    ("wan=eth0 v4=10.9.0.2 scope=any engine=stateless", "engine", "scope=local", EINVAL),
    ("engine=stateless wan=eth0 v6=fd00:9::2 masquerade=all", "engine", "masquerade=off or wan", EINVAL),
    ("v4=10.9.0.2 ports=40000 engine=stateless", "engine", "ip_local_port_range", EINVAL),
    ("v4=10.9.0.2@203.0.113.1,10.9.0.2 engine=stateless", "engine", "one local address", EINVAL),
    ("stale=drop", "stale", "drop", EINVAL),
    ("enabled=yes", "enabled", "yes", EINVAL),
    # The kernel's own refusal: there is no value to pass on.
    ("enabled", "enabled", "invalid", EINVAL),
    ("config=colour=red", "colour", None, EINVAL),
    ("\"config=wan=eth0 v4=10.9.0\"", "v4", "10.9.0", EINVAL),
    ("\"config=wan=eth0 wan=eth1\"", "wan", None, EINVAL),
    ("v4=10.9.0.2 v6=fd00:9::2 wan=eth0 scope=any masquerade=of", "masquerade", "of", EINVAL),
    (f"wan=abcdefghijklmno v6={LONG_V6} ports={LONG_PORTS}", None, None, E2BIG),
]


def shown(value):
    text = value if len(value) <= 60 else f"{value[:40]}... ({len(value)} bytes)"
    return repr(text)


def accepts(errnos):
    return errnos if isinstance(errnos, tuple) else (errnos,)


def attempt(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return error.errno
    return 0


def quotes(quoted, written):
    """Control bytes are escaped as in a C string, long texts may be cut."""
    plain = re.sub(r"\\([0-7]{3}|[a-z\\])", lambda match: chr(int(match[1], 8)) if match[1].isdigit()
                   else {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f"}.get(match[1], match[1]), quoted)
    return plain.removesuffix("...") in written


def explains(reason, names, written, quote):
    """A message names the parameter, quotes the text at fault, and says what was expected."""
    if not all(re.search(rf"(?<![a-z0-9_]){re.escape(name)}(?![a-z0-9_])", reason) for name in names):
        return False
    quoted = re.search(r"'(.*?)': ", reason, re.DOTALL)
    if quote is not None:
        if quote not in reason:
            return False
    elif not quoted or not quotes(quoted[1], written):
        return False
    rest = reason.replace(quote or quoted[0], " ")
    return len([word for word in re.findall(r"[a-z0-9]+", rest.lower()) if word not in names]) >= 3


@case.case
def accepted():
    module.load()
    tap.equal({name: module.get(name) for name in module.SETTINGS}, DEFAULTS, "the defaults")
    tap.equal(module.get("config"), config(), "the defaults as one line")
    tap.equal(module.last_error(), "", "no error after the load")
    for name, written, canonical in ACCEPTED:
        what = f"{name} takes {shown(written)}"
        if name != "config":
            module.set("config", config(**{key: value for key, value in START.items() if key != name}))
        attempt(module.set, "scope", "nowhere")
        problems = []
        # Without a newline, as a program writes it; an empty value needs one to be a write at all.
        errno = attempt(module.set, name, (written or "\n").encode())
        first = module.get(name)
        if errno:
            problems.append(f"errno {errno}: {module.last_error()}")
        if module.last_error():
            problems.append(f"last_error: {module.last_error()}")
        if canonical is not None and first != canonical:
            problems.append(f"reads back as {first!r}, not {canonical!r}")
        before = module.state()
        errno = attempt(module.set, name, first)
        if errno or module.state() != before:
            problems.append(f"writing {first!r} back: errno {errno}, {module.state()}")
        if name != "config":
            others = {key: value for key, value in before.items() if key not in (name, "config")}
            if others != {key: value for key, value in START.items() if key != name}:
                problems.append(f"another parameter changed: {others}")
            line = config(**{**START, name: first})
            if before["config"] != line:
                problems.append(f"config reads {before['config']!r}, not {line!r}")
        tap.ok(not problems, what)
        for problem in problems:
            tap.diag(problem)


@case.case
def refused():
    module.load(**START)
    before = module.state()
    tap.equal(before["config"], config(**START), "what was loaded reads back")
    case.log.messages()
    for name, written, errnos, *quote in REFUSED:
        quote = quote[0] if quote else None
        module.set("scope", "any")
        problems = [] if module.last_error() == "" else ["last_error is not empty after an accepted write"]
        errno = attempt(module.set, name, written.encode() + b"\n")
        reason = module.last_error()
        if errno not in accepts(errnos):
            problems.append(f"errno {errno}, not {errnos}")
        if module.state() != before:
            problems.append(f"changed: {module.state()}")
            module.set("config", config(**START))
        if name == "config" and quote in module.SETTINGS:
            names = [quote]
        elif name == "config" and quote and quote in written.split("=")[-1]:
            # The setting inside the line is the parameter at fault.
            names = [written.split()[-1].split("=")[0]]
        else:
            names = [] if name == "config" else [name]
        if not explains(reason, names, written, quote):
            problems.append(f"last_error: {reason!r}")
        logged = [text for text in case.log.messages() if reason and reason in text]
        if len(logged) != 1:
            problems.append(f"{len(logged)} lines with the reason in the kernel log")
        tap.ok(not problems, f"{name} refuses {shown(written)}")
        for problem in problems:
            tap.diag(problem)
    module.set("scope", "any")
    tap.equal(module.last_error(), "", "an accepted write empties last_error")


@case.case
def an_address_alone():
    """A refusal names what people append to an address."""
    module.load()
    for name, written in (("v4", "10.9.0.2/32"), ("v4", "10.9.0.2:25"), ("v6", "fd00:9::2/128"), ("v6", "[fd00:9::2]:25")):
        tap.equal(attempt(module.set, name, written), EINVAL, f"{name}={written}: refused")
        tap.ok(all(word in module.last_error() for word in (f"'{written}'", "without", "prefix length", "port")), f"{name}={written}: says why")


@case.case
def a_configuration_too_long_as_a_whole():
    module.load(wan="abcdefghijklmno", v6=LONG_V6)
    before = module.state()
    tap.equal(attempt(module.set, "ports", LONG_PORTS), E2BIG,
              "a value that fits by itself is refused when the whole line would not")
    tap.equal(module.state(), before, "and nothing has changed")
    module.set("v6", "")
    tap.equal(attempt(module.set, "ports", LONG_PORTS), 0, "it is taken once there is room")


@case.case
def one_write_only():
    module.load()
    fd = os.open(module.SYSFS / "parameters" / "wan", os.O_WRONLY)
    try:
        tap.equal(attempt(os.write, fd, b"x" * 4000), E2BIG, "4,000 bytes are refused, not cut")
    finally:
        os.close(fd)
    tap.equal(module.get("wan"), "", "and nothing has changed")


@case.case
def ssh_is_taken_with_a_warning():
    module.load(wan="eth0")
    case.log.messages()
    module.set("ports", "chatmail")
    quiet = [text for text in case.log.messages() if "22" in text or "ssh" in text]
    tap.equal(quiet, [], "no warning about SSH for the default set")
    module.set("ports", "chatmail,ssh")
    tap.ok([text for text in case.log.messages() if "ssh" in text.lower()],
           "ports with 22/tcp leave a warning in the kernel log")
    module.set("ports", "22/udp")
    tap.equal([text for text in case.log.messages() if "ssh" in text.lower()], [],
              "22/udp is not SSH")


def said_of_ssh():
    return [text for text in case.log.messages() if "ssh" in text.lower()]


@case.case
def ssh_shut_out_is_told():
    """A guard that blocks new SSH sessions is logged, once."""
    shut = {"guard": "full", "allow": "443", "wan": "eth0"}
    for last in shut:
        module.load(**{name: value for name, value in shut.items() if name != last})
        case.log.messages()
        module.set(last, shut[last])
        tap.equal(len(said_of_ssh()), 1, f"{last}={shut[last]} last: a warning")
        module.set("mss", "1400")
        tap.equal(said_of_ssh(), [], "which is not repeated")
        module.set("allow", "20-30")
        tap.equal(said_of_ssh(), [], "22 within a range is fine")
        module.set("allow", "22/udp")
        tap.equal(len(said_of_ssh()), 1, "22/udp is not SSH")
        module.set("guard", "forward")
        tap.equal(said_of_ssh(), [], "a guard of what is forwarded alone shuts nobody out")
        module.unload()
    case.log.messages()
    module.load(**shut)
    tap.equal(len(said_of_ssh()), 1, "at load too")
    module.set("guard", "forward")
    module.set("guard", "strict")
    tap.equal(["guard=strict" in text for text in said_of_ssh()], [True], "guard=strict shuts it out too")
    module.unload()
    module.load(guard="full", allow="", v4="10.9.0.2")
    tap.equal(said_of_ssh(), [], "without a WAN interface nothing is judged")


@case.case
def an_engine_binds_the_others():
    """engine=stateless refuses values that it cannot serve, of every parameter; and such values refuse engine=stateless."""
    module.load(wan="eth0", v4="10.9.0.2", v6="fd00:9::2", engine="stateless")
    before = module.state()
    tap.equal(before["engine"], "stateless", "stateless is taken")
    for name, value, reason in (("scope", "any", "scope=local"), ("masquerade", "all", "masquerade=off or wan"),
                                ("ports", "25,40000-40010", "ip_local_port_range"), ("ports", "turn", "ip_local_port_range"),
                                ("v4", "10.9.0.2@203.0.113.1,10.9.0.2", "one local address"),
                                ("v6", "fd00:9::2@2001:db8::1,fd00:9::2@2001:db8::2", "one local address")):
        tap.equal(attempt(module.set, name, value), EINVAL, f"{name}={value}: refused")
        tap.ok(explains(module.last_error(), [name], value, reason), f"{name}={value}: says why")
        tap.equal(module.state(), before, f"{name}={value}: nothing has changed")
        module.set("engine", "auto")
        module.set(name, value)
        tap.equal(attempt(module.set, "engine", "stateless"), EINVAL, f"{name}={value} is there: refused")
        tap.ok(explains(module.last_error(), ["engine"], "stateless", reason), f"{name}={value} is there: says why")
        tap.equal((module.get("engine"), module.get(name) != before[name]), ("auto", True),
                  f"{name}={value} is there: nothing has changed")
        module.set("config", before["config"])


@case.case
def load_refused():
    for line, name, quote, errnos in LOADS_REFUSED:
        case.log.messages()
        problems = []
        errno = attempt(module.load_line, line)
        if errno not in accepts(errnos):
            problems.append(f"errno {errno}, not {errnos}")
        if module.loaded():
            problems.append("loaded")
            module.unload()
        logged = [text for text in case.log.messages() if text.startswith("chatdnat")]
        if not any(explains(text, [name] if name else [], line, quote) for text in logged):
            problems.append(f"kernel log: {logged}")
        tap.ok(not problems, f"insmod chatdnat.ko {shown(line)} is refused")
        for problem in problems:
            tap.diag(problem)


@case.case
def load_accepted():
    for line, want in (
            ("", config()),
            ("wan=eth0 v4=10.9.0.2 v6=fd00:9::2", config(wan="eth0", v4="10.9.0.2", v6="fd00:9::2")),
            ("wan= v4= v6=", config()),
            ("allow= via=", config(allow="")),
            ("guard=full allow=ssh,51820/udp mss=1380 via=wg0 hairpin=1 log=drops",
             config(guard="full", allow="22,51820/udp", mss="1380", via="wg0", hairpin="1", log="drops")),
            ("ports=ssh,turn enabled=0", config(ports="22,3478/udp", enabled="0")),
            ("engine=auto scope=any v4=10.9.0.2", config(v4="10.9.0.2", scope="any", engine="auto")),
            ("engine=stateless wan=eth0 v4=10.9.0.2@203.0.113.1,10.9.0.3",
             config(wan="eth0", v4="10.9.0.2@203.0.113.1,10.9.0.3", engine="stateless")),
            ("\"config=wan=ppp+ v6=FD00:9::2 stale=keep\"",
             config(wan="ppp+", v6="fd00:9::2", stale="keep")),
            (f"v4={MANY_V4} v6={MANY_V6}", None)):
        module.load_line(line)
        if want is not None:
            tap.equal(module.get("config"), want, f"insmod chatdnat.ko {shown(line)}")
        else:
            tap.ok(module.get("v4") and module.get("v6"), f"insmod chatdnat.ko {shown(line)}")
        module.unload()


tap.diag(f"{len(REFUSED)} refused and {len(ACCEPTED)} accepted spellings")
case.run()
