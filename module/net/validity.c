// SPDX-License-Identifier: GPL-2.0
#include "validity.h"

/* For what changes without a word, or a moment behind it. */
#define CHATDNAT_VALIDITY_TIME	HZ

/* Never 0, which is what leases begin with. */
atomic_t chatdnat_validity_gen = ATOMIC_INIT(1);

/**
 * chatdnat_validity_end_all() - have everything learnt anew
 *
 * Context: Any.
 */
void chatdnat_validity_end_all(void)
{
	/* With full ordering: what was changed before is seen with the number. */
	if (!atomic_inc_return(&chatdnat_validity_gen))
		atomic_inc(&chatdnat_validity_gen);
}

/**
 * chatdnat_validity_begin() - begin to learn
 * @validity: holds from now on; what changes while something is learnt ends it
 *
 * Context: Any; on the packet path.
 */
void chatdnat_validity_begin(struct chatdnat_validity *validity)
{
	validity->gen = atomic_read_acquire(&chatdnat_validity_gen);
	validity->until = jiffies + CHATDNAT_VALIDITY_TIME;
}
