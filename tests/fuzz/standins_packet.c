// SPDX-License-Identifier: GPL-2.0
/*
 * Packets and their sums, as include/packet_standins.h promises them. What is
 * pulled is moved, always: a pointer that was kept from before is seen.
 */
#include "kernel.h"

#include "fuzz.h"

static void copy_bits(const struct sk_buff *skb, unsigned int offset, void *to, unsigned int len)
{
	unsigned char *out = to;
	unsigned int i;

	for (i = 0; i < len; i++, offset++)
		out[i] = offset < skb_headlen(skb) ? skb->data[offset] : skb->frag[offset - skb_headlen(skb)];
}

void *skb_header_pointer(const struct sk_buff *skb, int offset, int len, void *buffer)
{
	CHECK(offset >= 0 && len > 0);
	if ((unsigned int)offset + (unsigned int)len <= skb_headlen(skb))
		return skb->data + offset;
	if ((unsigned int)offset + (unsigned int)len > skb->len)
		return NULL;
	copy_bits(skb, (unsigned int)offset, buffer, (unsigned int)len);
	return buffer;
}

int skb_ensure_writable(struct sk_buff *skb, unsigned int len)
{
	unsigned int linear = max(len, skb_headlen(skb));
	unsigned char *data, *frag;

	if (len > skb->len || skb->stingy)
		return -ENOMEM;
	data = malloc(linear);
	frag = malloc(skb->len - linear + 1);
	CHECK(data && frag);
	copy_bits(skb, 0, data, linear);
	copy_bits(skb, linear, frag, skb->len - linear);
	free(skb->data);
	free(skb->frag);
	skb->data = data;
	skb->frag = realloc(frag, skb->len - linear ? skb->len - linear : 1);
	skb->data_len = skb->len - linear;
	return 0;
}

static bool is_exthdr(u8 nexthdr)
{
	/* Hop-by-hop, routing, fragment, authentication, none, destination options. */
	return nexthdr == 0 || nexthdr == 43 || nexthdr == 44 || nexthdr == 51 || nexthdr == 59 || nexthdr == 60;
}

/* As net/ipv6/exthdrs_core.c has it. */
int ipv6_skip_exthdr(const struct sk_buff *skb, int start, u8 *nexthdrp, __be16 *fragment)
{
	u8 nexthdr = *nexthdrp, buffer[2];

	*fragment = 0;
	while (is_exthdr(nexthdr)) {
		const u8 *header;
		int len;

		if (nexthdr == 59)
			return -1;
		header = skb_header_pointer(skb, start, sizeof(buffer), buffer);
		if (!header)
			return -1;
		if (nexthdr == 44) {
			__be16 offset, *at = skb_header_pointer(skb, start + 2, sizeof(offset), &offset);

			if (!at)
				return -1;
			memcpy(fragment, at, sizeof(*fragment));
			if (ntohs(*fragment) & ~0x7)
				break;
			len = 8;
		} else if (nexthdr == 51) {
			len = (header[1] + 2) << 2;
		} else {
			len = (header[1] + 1) << 3;
		}
		nexthdr = header[0];
		start += len;
	}
	*nexthdrp = nexthdr;
	return start;
}

__wsum csum_add(__wsum a, __wsum b)
{
	u64 sum = (u64)a + b;

	return (__wsum)((sum & U32_MAX) + (sum >> 32));
}

__wsum csum_partial(const void *data, int len, __wsum sum)
{
	const unsigned char *byte = data;
	u16 word;
	int i;

	for (i = 0; i + 1 < len; i += 2) {
		memcpy(&word, byte + i, sizeof(word));
		sum = csum_add(sum, word);
	}
	if (i < len) {
		u8 last[2] = { byte[i], 0 };

		memcpy(&word, last, sizeof(word));
		sum = csum_add(sum, word);
	}
	return sum;
}

__sum16 csum_fold(__wsum sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__sum16)~sum;
}

__sum16 csum_ipv6_magic(const struct in6_addr *saddr, const struct in6_addr *daddr, u32 len, u8 proto, __wsum sum)
{
	__be32 end[2] = { htonl(len), htonl((u32)proto) };

	sum = csum_partial(saddr, sizeof(*saddr), sum);
	sum = csum_partial(daddr, sizeof(*daddr), sum);
	return csum_fold(csum_partial(end, sizeof(end), sum));
}

__wsum skb_checksum(const struct sk_buff *skb, int offset, int len, __wsum sum)
{
	unsigned char *flat = malloc((size_t)len + 1);

	CHECK(flat && offset >= 0 && len >= 0 && (unsigned int)(offset + len) <= skb->len);
	copy_bits(skb, (unsigned int)offset, flat, (unsigned int)len);
	sum = csum_partial(flat, len, sum);
	free(flat);
	return sum;
}

static __wsum csum_unfold(__sum16 sum)
{
	return sum;
}

static __wsum csum_sub(__wsum a, __wsum b)
{
	return csum_add(a, ~b);
}

void csum_replace4(__sum16 *sum, __be32 from, __be32 to)
{
	*sum = csum_fold(csum_add(csum_sub(~csum_unfold(*sum), from), to));
}

void inet_proto_csum_replace4(__sum16 *sum, struct sk_buff *skb, __be32 from, __be32 to, bool pseudo)
{
	if (skb->ip_summed != CHECKSUM_PARTIAL) {
		csum_replace4(sum, from, to);
		if (skb->ip_summed == CHECKSUM_COMPLETE && pseudo)
			skb->csum = ~csum_add(csum_sub(~skb->csum, from), to);
	} else if (pseudo) {
		*sum = ~csum_fold(csum_add(csum_sub(csum_unfold(*sum), from), to));
	}
}

void inet_proto_csum_replace2(__sum16 *sum, struct sk_buff *skb, __be16 from, __be16 to, bool pseudo)
{
	inet_proto_csum_replace4(sum, skb, from, to, pseudo);
}

/* With CHECKSUM_COMPLETE the address and the sum that covers it balance. */
void inet_proto_csum_replace16(__sum16 *sum, struct sk_buff *skb, const __be32 *from, const __be32 *to, bool pseudo)
{
	__be32 diff[8];
	int i;

	for (i = 0; i < 4; i++) {
		diff[i] = ~from[i];
		diff[4 + i] = to[i];
	}
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		*sum = csum_fold(csum_partial(diff, sizeof(diff), ~csum_unfold(*sum)));
	else if (pseudo)
		*sum = ~csum_fold(csum_partial(diff, sizeof(diff), csum_unfold(*sum)));
}

__sum16 nf_checksum(struct sk_buff *skb, unsigned int hook, unsigned int offset, u8 protocol, unsigned short family)
{
	unsigned int len = skb->len - offset;
	__wsum sum = skb_checksum(skb, (int)offset, (int)len, 0);

	if (family == AF_INET6)
		return csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, len, protocol, sum);
	CHECK(protocol == IPPROTO_ICMP);
	return csum_fold(sum);
}
