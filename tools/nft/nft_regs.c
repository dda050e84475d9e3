// SPDX-License-Identifier: GPL-2.0
#include "nft_regs.h"

#include <string.h>

#include <linux/netfilter/nf_tables.h>

int reg_place(uint32_t n, size_t len)
{
	size_t place;

	if (n >= NFT_REG_1 && n <= NFT_REG_4)
		place = (n - NFT_REG_1) * 16;
	else if (n >= NFT_REG32_00 && n <= NFT_REG32_15)
		place = (n - NFT_REG32_00) * 4;
	else
		return -1;
	return len <= sizeof(((struct regs *)0)->v) - place ? (int)place : -1;
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

void reg_load(struct regs *regs, uint32_t n, const void *value, size_t len)
{
	int place = reg_place(n, padded(len));

	if (place < 0)
		return;
	memset(regs->v + place, 0, padded(len));
	memcpy(regs->v + place, value, len);
	memset(regs->known + place, true, padded(len));
}

void reg_forget(struct regs *regs, uint32_t n, size_t len)
{
	int place = reg_place(n, padded(len));

	if (place >= 0)
		memset(regs->known + place, false, padded(len));
}

bool reg_known(const struct regs *regs, int place, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!regs->known[(size_t)place + i])
			return false;
	return true;
}
