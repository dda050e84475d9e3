// SPDX-License-Identifier: GPL-2.0
/*
 * The segment size that a SYN announces, next to another reader of options. Input:
 * how much is pulled, how the sums stand, the most that is allowed, whether the
 * connection is tracked; then a packet.
 */
#include "../../module/hooks/mss.h"

#include "packet.h"

#include "../../module/hooks/return_path.h"
#include "../../module/net/lookup.h"
#include "../../module/stateless/stateless.h"
#include "../../module/core/stats.h"
#include "../../module/net/path_mtu.h"

struct chatdnat_stats chatdnat_stats;
struct chatdnat_snapshot *chatdnat_active;

static struct chatdnat_settings settings;

/* Whatever is not tracked is on its way to a relay. */
enum chatdnat_direction chatdnat_stateless_direction(const struct sk_buff *skb, const struct nf_hook_state *state,
						     struct chatdnat_parsed *parsed, const struct chatdnat_settings **its,
						     const struct chatdnat_binding **binding)
{
	static const struct chatdnat_binding none;

	*its = &settings;
	*binding = &none;
	memset(parsed, 0, sizeof(*parsed));
	parsed->flow.family = state->pf == NFPROTO_IPV6 ? CHATDNAT_IPV6 : CHATDNAT_IPV4;
	return CHATDNAT_DIR_TO_RELAY;
}

struct dst_entry *chatdnat_lookup_route(enum chatdnat_family family, const struct chatdnat_addr *saddr,
					const struct chatdnat_addr *daddr, int oif, u32 mark)
{
	return NULL;
}

unsigned int chatdnat_path_mtu_forward(const struct sk_buff *skb, const struct chatdnat_flow_addrs *ends)
{
	return dst_mtu(skb_dst(skb));
}

unsigned int chatdnat_path_mtu_reverse(const struct chatdnat_flow_addrs *ends, u32 mark)
{
	return ~0U;
}

struct dst_entry *chatdnat_return_path_route(enum chatdnat_family family, const struct nf_conn *ct,
					     const struct net_device *in, u32 mark)
{
	return NULL;
}

const struct net_device *chatdnat_lookup_indev(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	return state->in;
}

/* The options of a SYN, one by one; false: malformed. @at gets where sizes are. */
static bool read_options(const uint8_t *option, size_t len, size_t at[40], size_t *n)
{
	size_t i = 0;

	*n = 0;
	while (i < len && option[i]) {
		if (option[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= len || option[i + 1] < 2 || i + option[i + 1] > len)
			return false;
		if (option[i] == 2) {
			if (option[i + 1] != 4)
				return false;
			at[(*n)++] = i + 2;
		}
		i += option[i + 1];
	}
	return true;
}

/* The same, with all that is announced above the most that is allowed lowered. */
static bool lower(struct flat *flat, unsigned int max)
{
	bool fragment, later, lowered = false;
	uint8_t protocol;
	long th = walk(flat, 0, &protocol, &fragment, &later);
	size_t at[40], n, i, options, len;

	if (th < 0 || fragment || protocol != 6 || (size_t)th + 20 > flat->len || !(flat->byte[th + 13] & 2))
		return false;
	options = (size_t)th + 20;
	len = (flat->byte[th + 12] >> 4) * 4U;
	if (len <= 20 || (size_t)th + len > flat->len || !read_options(flat->byte + options, len - 20, at, &n))
		return false;
	for (i = 0; i < n; i++) {
		uint8_t *value = flat->byte + options + at[i];

		if (!max || word_at(value) <= max)
			continue;
		value[0] = (uint8_t)(max >> 8);
		value[1] = (uint8_t)max;
		lowered = true;
	}
	return lowered;
}

static void check_sums(const struct flat *before, struct flat *after, const struct sk_buff *skb)
{
	bool fragment, later;
	uint8_t protocol;
	size_t th = (size_t)walk(before, 0, &protocol, &fragment, &later);
	uint32_t was = transport_sum(before, th, 6), is = transport_sum(after, th, 6);

	/* Of a partial one the device adds what it covers: it stays. */
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		CHECK(word_at(before->byte + th + 16) == word_at(after->byte + th + 16));
	else
		CHECK(was % 0xffff == is % 0xffff);
	/* The rest is compared without it. */
	memcpy(after->byte + th + 16, before->byte + th + 16, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	size_t linear = take_u8(&input);
	uint8_t summed = take_u8(&input) % 4;
	struct net_device dev = { "eth0" };
	struct nf_hook_state state = { .in = &dev, .out = &dev };
	struct flat before, want, after;
	struct dst_entry dst = { .dev = &dev };
	struct sk_buff skb;
	bool lowered;
	u64 clamped;
	unsigned int max;

	settings.mss = take_u16(&input);
	if (!flat_take(&before, &input))
		return 0;
	skb_make(&skb, &before, linear);
	skb.ip_summed = summed;
	skb.ctinfo = IP_CT_UNTRACKED;
	skb.dst = &dst;
	state.pf = before.family == CHATDNAT_IPV6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	/* The way's: what is left of it behind the headers, if anything is. */
	dst.mtu = 1420;
	max = settings.mss == CHATDNAT_MSS_AUTO ? 1420 - (before.family == CHATDNAT_IPV6 ? 60 : 40) : settings.mss;

	want = before;
	lowered = lower(&want, max);
	clamped = chatdnat_stats.count[before.family][CHATDNAT_CLAMPED];
	chatdnat_mss(&skb, &state, NULL);
	CHECK(chatdnat_stats.count[before.family][CHATDNAT_CLAMPED] - clamped == lowered);
	skb_flatten(&skb, before.family, &after);
	if (lowered)
		check_sums(&before, &after, &skb);
	CHECK(!memcmp(&want, &after, sizeof(after)));
	skb_free(&skb);
	return 0;
}
