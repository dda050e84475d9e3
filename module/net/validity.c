// SPDX-License-Identifier: GPL-2.0
#include <linux/cache.h>

#include "validity.h"

/* Maximum age, for changes that send no notification or act after it. */
#define CHATDNAT_VALIDITY_TIME HZ

/* Never 0, the value of an invalid entry. */
atomic_t chatdnat_validity_gen __read_mostly = ATOMIC_INIT(1);

/**
 * chatdnat_validity_end_all() - invalidate all cached lookups
 *
 * Context: Any.
 */
void chatdnat_validity_end_all(void)
{
	/*
	 * Fully ordered: a reader of the new number sees the preceding change.
	 */
	if (!atomic_inc_return(&chatdnat_validity_gen))
		atomic_inc(&chatdnat_validity_gen);
}

/**
 * chatdnat_validity_begin() - start a lookup that will be cached
 * @validity: valid from now on; a change during the lookup invalidates it
 *
 * Context: Any; on the packet path.
 */
void chatdnat_validity_begin(struct chatdnat_validity *validity)
{
	validity->gen = atomic_read_acquire(&chatdnat_validity_gen);
	validity->until = jiffies + CHATDNAT_VALIDITY_TIME;
}
