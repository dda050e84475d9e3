// SPDX-License-Identifier: GPL-2.0
#include "version.h"

const char tool_version[] = VERSION;
