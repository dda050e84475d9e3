/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NFT_REGS_H
#define CHATDNATCTL_NFT_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result of a condition. */
enum truth { FALSE, TRUE, UNKNOWN };

/* nf_tables' registers: 64 bytes, seen as 4 of 16 or as 16 of 4. Each byte is known or not. */
struct regs {
	uint8_t v[64];
	bool known[64];
};

/* The place of register number n, or -1. */
int reg_place(uint32_t n, size_t len);

/* Short values are padded with zeros to four bytes. */
void reg_load(struct regs *regs, uint32_t n, const void *value, size_t len);
void reg_forget(struct regs *regs, uint32_t n, size_t len);
bool reg_known(const struct regs *regs, int place, size_t len);

#endif
