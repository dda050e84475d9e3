/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_FIB_EVENT_H
#define CHATDNAT_FIB_EVENT_H

#include <linux/types.h>

struct fib_notifier_info;

bool chatdnat_fib_event_is_default(unsigned long event,
				   const struct fib_notifier_info *info);

#endif /* CHATDNAT_FIB_EVENT_H */
