/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_NOTIFIER_H
#define CHATDNAT_NOTIFIER_H

int chatdnat_follow_init(void);
void chatdnat_follow_exit(void);
void chatdnat_follow_published(void);

#endif /* CHATDNAT_NOTIFIER_H */
