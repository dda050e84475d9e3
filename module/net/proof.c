// SPDX-License-Identifier: GPL-2.0
/*
 * Compile-time checks of Kbuild's feature probes: a wrong probe result does not
 * compile. This file generates no code.
 */
#include <linux/build_bug.h>
#include <linux/ipv6.h>

#include "compat.h"

#define CHATDNAT_IS(declared, ...) \
	__builtin_types_compatible_p(typeof(declared), __VA_ARGS__)

#define CHATDNAT_PROVE(declared, ...) \
	static_assert(CHATDNAT_IS(declared, __VA_ARGS__))

/* For a name that must not exist: conflicts with its declaration if it does. */
#define CHATDNAT_PROVE_ABSENT(name) extern struct chatdnat_absent *name

#ifdef CHATDNAT_HAVE_NF_CT_ITER_DATA
CHATDNAT_PROVE(nf_ct_iterate_cleanup_net, void(int (*)(struct nf_conn *, void *),
					       const struct nf_ct_iter_data *));
#else
CHATDNAT_PROVE(nf_ct_iterate_cleanup_net,
	       void(struct net *, int (*)(struct nf_conn *, void *), void *,
		    u32, int));
#endif

#ifdef CHATDNAT_HAVE_SEND_RESET_SK
CHATDNAT_PROVE(nf_send_reset,
	       void(struct net *, struct sock *, struct sk_buff *, int));
#else
CHATDNAT_PROVE(nf_send_reset, void(struct net *, struct sk_buff *, int));
#endif

#ifdef CHATDNAT_HAVE_SEND_RESET6_SK
CHATDNAT_PROVE(nf_send_reset6,
	       void(struct net *, struct sock *, struct sk_buff *, int));
#else
CHATDNAT_PROVE(nf_send_reset6, void(struct net *, struct sk_buff *, int));
#endif

/* Declared in net/gso.h, or in linux/skbuff.h. */
CHATDNAT_PROVE(skb_gso_validate_network_len,
	       bool(const struct sk_buff *, unsigned int));

/*
 * The compiler does not distinguish dscp_t from u8, so Kbuild looks for both.
 * On some kernels with dscp_t, the function returns an int.
 */
#if defined(CHATDNAT_HAVE_ROUTE_INPUT_DSCP) == \
	defined(CHATDNAT_HAVE_ROUTE_INPUT_TOS)
#error "ip_route_input_noref() takes neither a TOS nor a DSCP, or both"
#endif
#ifdef CHATDNAT_HAVE_ROUTE_INPUT_DSCP
static_assert(CHATDNAT_IS(ip_route_input_noref,
			  enum skb_drop_reason(struct sk_buff *, __be32, __be32,
					       dscp_t, struct net_device *)) ||
	      CHATDNAT_IS(ip_route_input_noref,
			  int(struct sk_buff *, __be32, __be32, dscp_t,
			      struct net_device *)));
#else
CHATDNAT_PROVE(ip_route_input_noref,
	       int(struct sk_buff *, __be32, __be32, u8, struct net_device *));
#endif

#ifdef CHATDNAT_HAVE_CLEAR_TSTAMP
CHATDNAT_PROVE(skb_clear_tstamp, void(struct sk_buff *));
#else
CHATDNAT_PROVE_ABSENT(skb_clear_tstamp);
#endif

#ifdef CHATDNAT_HAVE_U64_STATS_FETCH_IRQ
CHATDNAT_PROVE(u64_stats_fetch_begin_irq,
	       unsigned int(const struct u64_stats_sync *));
#else
CHATDNAT_PROVE_ABSENT(u64_stats_fetch_begin_irq);
#endif

#ifdef CHATDNAT_HAVE_LOOKUP_HASHINFO
#define CHATDNAT_HASHINFO struct inet_hashinfo *,
#else
#define CHATDNAT_HASHINFO
#endif
static_assert(CHATDNAT_IS(__inet_lookup_established,
			  struct sock *(struct net *, CHATDNAT_HASHINFO __be32,
					__be16, __be32, u16, int, int)) ||
	      CHATDNAT_IS(__inet_lookup_established,
			  struct sock *(const struct net *,
					CHATDNAT_HASHINFO __be32, __be16,
					__be32, u16, int, int)));

#if IS_ENABLED(CONFIG_IPV6)
static_assert(CHATDNAT_IS(__inet6_lookup_established,
			  struct sock *(struct net *,
					CHATDNAT_HASHINFO const struct in6_addr *,
					__be16, const struct in6_addr *, u16,
					int, int)) ||
	      CHATDNAT_IS(__inet6_lookup_established,
			  struct sock *(const struct net *,
					CHATDNAT_HASHINFO const struct in6_addr *,
					__be16, const struct in6_addr *, u16,
					int, int)));
#endif

/*
 * On kernels with ipv6_stub, fib6_lookup() is not exported: a module that used
 * it would not link.
 */
#if IS_ENABLED(CONFIG_IPV6)
CHATDNAT_PROVE(fib6_lookup, int(struct net *, int, struct flowi6 *,
				struct fib6_result *, int));
#ifdef CHATDNAT_HAVE_IPV6_STUBS
CHATDNAT_PROVE(*ipv6_stub->fib6_lookup, int(struct net *, int, struct flowi6 *,
					    struct fib6_result *, int));
#else
CHATDNAT_PROVE_ABSENT(ipv6_stub);
#endif
#endif

#ifdef __has_include
#if !defined(CHATDNAT_HAVE_GSO_H) && __has_include("net/gso.h")
#error "net/gso.h is there and was not found"
#endif
#if !defined(CHATDNAT_HAVE_IPV6_STUBS) && __has_include("net/ipv6_stubs.h")
#error "net/ipv6_stubs.h is there and was not found"
#endif
#endif
