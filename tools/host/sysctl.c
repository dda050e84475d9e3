// SPDX-License-Identifier: GPL-2.0
#include "sysctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/mem.h"
#include "sysfs.h"

/* Dots of an interface name would be separators: such sysctl names are written with slashes. */
char *sysctl_name(enum family family, const char *interface, const char *what)
{
	const char *format = strchr(interface, '.') ? "net/%s/conf/%s/%s" : "net.%s.conf.%s.%s";
	const char *proto = families[family].id;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return xasprintf(format, proto, interface, what);
#pragma GCC diagnostic pop
}

long long sysctl_read(enum family family, const char *interface, const char *what)
{
	char *path = xasprintf("/proc/sys/net/%s/conf/%s/%s", families[family].id, interface, what);
	long long value = sysfs_read_number(path);

	free(path);
	return value;
}

bool sysctl_local_ports(unsigned int *first, unsigned int *last)
{
	char *range = sysfs_read("/proc/sys/net/ipv4/ip_local_port_range");
	bool known = range && sscanf(range, "%u %u", first, last) == 2 && *last <= 65535;

	free(range);
	return known;
}
