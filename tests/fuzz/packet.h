/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A packet out of what is left of an input, from its IP header on. The stack's
 * own checks are made up for: version and lengths are set, the sum of an IPv4
 * header is right.
 */
#ifndef FUZZ_PACKET_H
#define FUZZ_PACKET_H

#include "../../module/net/packet.h"
#include "fuzz.h"

#include <string.h>

struct flat {
	enum chatdnat_family family;
	uint8_t byte[2048];
	size_t len;
};

/* The one's complement sum of 16-bit words, big endian, folded. */
static inline uint32_t sum_of(const uint8_t *byte, size_t len, uint32_t sum)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? byte[i] : (uint32_t)byte[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* With the addresses, the protocol and the length in front; 0xffff: it is right. */
static inline uint32_t transport_sum(const struct flat *flat, size_t offset, uint8_t protocol)
{
	size_t len = flat->len - offset;
	uint32_t sum;

	sum = flat->family == CHATDNAT_IPV6 ? sum_of(flat->byte + 8, 32, 0) : sum_of(flat->byte + 12, 8, 0);
	sum = sum_of(flat->byte + offset, len, sum);
	return sum_of((const uint8_t[]){ (uint8_t)(len >> 8), (uint8_t)len, 0, protocol }, 4, sum);
}

static inline void put_sum(uint8_t *at, uint32_t sum)
{
	at[0] = (uint8_t)(~sum >> 8);
	at[1] = (uint8_t)~sum;
}

static inline uint16_t word_at(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* False for what no stack would pass on. */
static inline bool flat_take(struct flat *flat, struct input *input)
{
	size_t header;

	memset(flat, 0, sizeof(*flat));
	flat->len = input->left < sizeof(flat->byte) ? input->left : sizeof(flat->byte);
	if (flat->len < 20)
		return false;
	memcpy(flat->byte, input->at, flat->len);
	input->left = 0;
	if (flat->byte[0] >> 4 == 6) {
		flat->family = CHATDNAT_IPV6;
		if (flat->len < 40)
			return false;
		flat->byte[4] = (uint8_t)((flat->len - 40) >> 8);
		flat->byte[5] = (uint8_t)(flat->len - 40);
		return true;
	}
	flat->family = CHATDNAT_IPV4;
	flat->byte[0] = (uint8_t)(0x40 | (flat->byte[0] & 0xf));
	header = (flat->byte[0] & 0xf) * 4U;
	if (header < 20 || header > flat->len)
		return false;
	flat->byte[2] = (uint8_t)(flat->len >> 8);
	flat->byte[3] = (uint8_t)flat->len;
	flat->byte[10] = flat->byte[11] = 0;
	put_sum(flat->byte + 10, sum_of(flat->byte, header, 0));
	return true;
}

static inline size_t ip_header_len(const struct flat *flat)
{
	return flat->family == CHATDNAT_IPV6 ? 40 : (flat->byte[0] & 0xf) * 4U;
}

/* @linear: how much of it is, beside the IP header that the stack has pulled. */
static inline void skb_make(struct sk_buff *skb, const struct flat *flat, size_t linear)
{
	linear += ip_header_len(flat);
	if (linear > flat->len)
		linear = flat->len;
	*skb = (struct sk_buff){
		.data = fuzz_copy(flat->byte, linear),
		.frag = fuzz_copy(flat->byte + linear, flat->len - linear),
		.len = (unsigned int)flat->len,
		.data_len = (unsigned int)(flat->len - linear),
	};
}

static inline void skb_flatten(const struct sk_buff *skb, enum chatdnat_family family, struct flat *flat)
{
	memset(flat, 0, sizeof(*flat));
	flat->family = family;
	flat->len = skb->len;
	memcpy(flat->byte, skb->data, skb_headlen(skb));
	memcpy(flat->byte + skb_headlen(skb), skb->frag, skb->data_len);
}

static inline void skb_free(struct sk_buff *skb)
{
	free(skb->data);
	free(skb->frag);
}

/* A walker of its own: where the transport header begins, or -1. */
static inline long walk(const struct flat *flat, size_t at, uint8_t *protocol, bool *fragment, bool *later)
{
	const uint8_t *b = flat->byte;

	*fragment = *later = false;
	if (flat->family == CHATDNAT_IPV4) {
		*protocol = b[at + 9];
		*fragment = word_at(b + at + 6) & 0x3fff;
		*later = word_at(b + at + 6) & 0x1fff;
		return (long)(at + (b[at] & 0xf) * 4U);
	}
	*protocol = b[at + 6];
	at += 40;
	for (;;) {
		size_t len;

		switch (*protocol) {
		case 0:
		case 43:
		case 60:
			if (at + 2 > flat->len)
				return -1;
			len = 8 + 8U * b[at + 1];
			break;
		case 51:
			if (at + 2 > flat->len)
				return -1;
			len = 8 + 4U * b[at + 1];
			break;
		case 44:
			if (at + 4 > flat->len)
				return -1;
			/* Of several, the last counts: as for the kernel. */
			*fragment = word_at(b + at + 2) != 0;
			*later = word_at(b + at + 2) & 0xfff8;
			if (*later)
				return (long)at;
			len = 8;
			break;
		case 59:
			return -1;
		default:
			return (long)at;
		}
		*protocol = b[at];
		at += len;
	}
}

#endif
