/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_LINK_INFO_H
#define CHATDNATCTL_LINK_INFO_H

#include <libmnl/libmnl.h>

#include "link.h"

/* A name of at most 15 bytes; a longer one is cut off. */
void link_copy_name(char out[16], const struct nlattr *attr);

/* From IFLA_LINKINFO: the kind of a link, and its role as a port. */
void link_take_info(struct link *link, const struct nlattr *nest);

#endif
