/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_PARAMS_H
#define CHATDNAT_PARAMS_H

#include <linux/types.h>

int chatdnat_params_start(void);
void chatdnat_params_stop(void);
int chatdnat_params_last_error(char *buf, size_t size);

#endif /* CHATDNAT_PARAMS_H */
