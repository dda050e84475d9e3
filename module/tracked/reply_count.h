/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_REPLY_COUNT_H
#define CHATDNAT_REPLY_COUNT_H

struct nf_conn;

int chatdnat_answers_init(void);
void chatdnat_answers_exit(void);
void chatdnat_answers_await(const struct nf_conn *ct);
void chatdnat_answers_settle(void);
void chatdnat_answers_forget(void);

#endif /* CHATDNAT_REPLY_COUNT_H */
