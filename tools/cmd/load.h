/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_LOAD_H
#define CHATDNATCTL_LOAD_H

/* Loads the module with the saved settings, or applies them to the loaded one. An exit status. */
int load_saved(void);

#endif
