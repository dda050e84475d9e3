/* SPDX-License-Identifier: GPL-2.0 */
/* The only file that knows that kernels differ. */
#ifndef CHATDNAT_COMPAT_H
#define CHATDNAT_COMPAT_H

#include <linux/kconfig.h>

#if !IS_ENABLED(CONFIG_NF_CONNTRACK)
#error "chatdnat needs a kernel with connection tracking: CONFIG_NF_CONNTRACK"
#endif
#if !IS_ENABLED(CONFIG_NF_NAT)
#error "chatdnat needs a kernel with NAT: CONFIG_NF_NAT"
#endif
#if !IS_ENABLED(CONFIG_NF_NAT_MASQUERADE)
#error "chatdnat needs a kernel with masquerading: CONFIG_NF_NAT_MASQUERADE"
#endif
#if !IS_ENABLED(CONFIG_SYSFS)
#error "chatdnat needs a kernel with sysfs: CONFIG_SYSFS"
#endif

/* After these: without connection tracking the header does not compile. */
#include <net/netfilter/nf_conntrack.h>

/**
 * chatdnat_ct_cleanup() - end the connections that a callback picks
 * @net: network namespace
 * @iter: called for each confirmed entry; true ends it
 * @data: passed to @iter
 *
 * Context: Process context, may sleep. @iter runs under a conntrack bucket
 * lock with bottom halves off.
 */
static inline void
chatdnat_ct_cleanup(struct net *net, int (*iter)(struct nf_conn *ct, void *data),
		    void *data)
{
#ifdef CHATDNAT_HAVE_NF_CT_ITER_DATA
	const struct nf_ct_iter_data iter_data = {
		.net = net,
		.data = data,
	};

	nf_ct_iterate_cleanup_net(iter, &iter_data);
#else
	nf_ct_iterate_cleanup_net(net, iter, data, 0, 0);
#endif
}

#endif /* CHATDNAT_COMPAT_H */
