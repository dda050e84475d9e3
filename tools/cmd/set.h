/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SET_H
#define CHATDNATCTL_SET_H

/* Changes settings, NAME=VALUE each; with seconds, until then unless it is confirmed. An exit status. */
int set_settings(int argc, char **argv, unsigned int seconds);

#endif
