/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_NOTIFIER_H
#define CHATDNAT_NOTIFIER_H

int chatdnat_notifier_init(void);
void chatdnat_notifier_exit(void);
void chatdnat_notifier_published(void);

#endif /* CHATDNAT_NOTIFIER_H */
