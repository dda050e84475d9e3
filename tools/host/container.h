/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CONTAINER_H
#define CHATDNATCTL_CONTAINER_H

/*
 * Why no module can be loaded here, even by root: a few words that follow "this machine cannot load modules: ".
 * NULL if it seems possible. To be freed.
 */
char *loading_impossible(void);

#endif
