/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_VERSION_H
#define CHATDNATCTL_VERSION_H

extern const char tool_version[];

#endif
