// SPDX-License-Identifier: GPL-2.0
#include "debian.h"

#include <unistd.h>

bool on_debian(void)
{
	return access("/etc/debian_version", F_OK) == 0;
}
