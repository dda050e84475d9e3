/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NEIGHBOUR_H
#define CHATDNATCTL_NEIGHBOUR_H

#include "../lib/family.h"

/*
 * The port of a bridge behind which a neighbour is: its interface's index, or 0 if the kernel does not know it (it has
 * sent nothing, or not for a while).
 */
unsigned int neighbour_port(unsigned int bridge, const struct address *neighbour);

#endif
