/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_FOLLOW_H
#define CHATDNAT_FOLLOW_H

int chatdnat_follow_init(void);
void chatdnat_follow_exit(void);
void chatdnat_follow_published(void);

#endif /* CHATDNAT_FOLLOW_H */
