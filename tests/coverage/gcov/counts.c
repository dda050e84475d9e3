// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's gcov (CONFIG_GCOV_KERNEL) as a module, of its own sources: for
 * a stock kernel, which has none. What modules count that are loaded
 * afterwards is in debugfs as it is there.
 */
#define pr_fmt(fmt)	"gcov: " fmt

#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

/* Of what the sources have for the kernel to start, there can be one only. */
#undef device_initcall
#define device_initcall(function)

#include "base.c"
#include "gcc_base.c"
#include "gcc_4_7.c"
#include "fs.c"

/* What the compiler names the functions that register an object's counters. */
#define COUNTS_CONSTRUCTOR	"_sub_I_"

/* A kernel without gcov does not call modules' constructors. */
static void counts_construct(const struct module *mod)
{
	const struct mod_kallsyms *symbols;
	unsigned int i;

	/* Nobody else has the module yet. */
	symbols = rcu_dereference_raw(mod->kallsyms);
	for (i = 0; i < symbols->num_symtab; i++) {
		const char *name = symbols->strtab + symbols->symtab[i].st_name;
		void (*constructor)(void) = (void *)symbols->symtab[i].st_value;

		if (strstarts(name, COUNTS_CONSTRUCTOR))
			constructor();
	}
}

static int counts_module_event(struct notifier_block *nb, unsigned long event,
			       void *mod)
{
	if (event == MODULE_STATE_COMING)
		counts_construct(mod);
	return NOTIFY_OK;
}

static struct notifier_block counts_module_nb = {
	.notifier_call = counts_module_event,
};

static int __init counts_init(void)
{
	gcov_fs_init();
	return gcov_init() ?: register_module_notifier(&counts_module_nb);
}

/* Without an end: debugfs has its files. */
module_init(counts_init);
MODULE_DESCRIPTION("Counts what runs of modules that were built for it");
MODULE_LICENSE("GPL");
