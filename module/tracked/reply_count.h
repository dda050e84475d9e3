/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_REPLY_COUNT_H
#define CHATDNAT_REPLY_COUNT_H

struct nf_conn;

int chatdnat_reply_count_init(void);
void chatdnat_reply_count_exit(void);
void chatdnat_reply_count_await(const struct nf_conn *ct);
void chatdnat_reply_count_settle(void);
void chatdnat_reply_count_forget(void);

#endif /* CHATDNAT_REPLY_COUNT_H */
