/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_DIFF_H
#define CHATDNATCTL_DIFF_H

/* Prints a short file with the lines that one text has and the other has not, "-" and "+" before them. `from` may be NULL. */
void diff_print(const char *name, const char *from, const char *to);

#endif
