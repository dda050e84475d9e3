// SPDX-License-Identifier: GPL-2.0
/*
 * Has one of the calls fail by which chatdnat gets memory, or registers with
 * the kernel, which takes memory: the one that the parameter nth counts down
 * to, whatever the context. Unlike failslab it knows per-CPU memory, and counts
 * in softirqs.
 */
#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <asm/ibt.h>

#define FAILS_EVERY	-1	/* every one, while it is set */

static atomic_t fails_nth = ATOMIC_INIT(0);

/* Which one failed last. */
static const char *fails_last = "";

/* Where chatdnat's code is. */
static struct module_memory fails_text, fails_init_text;

static int fails_nth_set(const char *val, const struct kernel_param *kp)
{
	int nth, err;

	err = kstrtoint(val, 0, &nth);
	if (err)
		return err;
	fails_last = "";
	atomic_set(&fails_nth, nth);
	return 0;
}

static int fails_nth_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d %s\n", atomic_read(&fails_nth),
			  READ_ONCE(fails_last));
}

static const struct kernel_param_ops fails_nth_ops = {
	.set = fails_nth_set,
	.get = fails_nth_get,
};
module_param_cb(nth, &fails_nth_ops, NULL, 0644);
MODULE_PARM_DESC(nth, "how many calls until one fails, 0: none, -1: all; read, also which failed last");

static bool fails_within(const struct module_memory *memory, unsigned long addr)
{
	return addr - (unsigned long)memory->base < memory->size;
}

static bool fails_now(void)
{
	int nth = atomic_read(&fails_nth);

	return nth == FAILS_EVERY ||
	       (nth > 0 && atomic_dec_if_positive(&fails_nth) == 0);
}

/*
 * What a function that fails does instead. ftrace, which a probe is where the
 * kernel has it, restores no stack pointer.
 */
void fails_return(void);
asm(".pushsection .text\n"
	".type fails_return, @function\n"
	"fails_return:\n"
	ASM_ENDBR
	ASM_RET
	".size fails_return, . - fails_return\n"
	".popsection");

/* At the function's first instruction: only the return address is pushed. */
static int fails_enter(struct kprobe *kp, struct pt_regs *regs, long result)
{
	unsigned long caller = READ_ONCE_NOCHECK(*(unsigned long *)regs->sp);

	if (!fails_within(&fails_text, caller) &&
	    !fails_within(&fails_init_text, caller))
		return 0;
	if (!fails_now())
		return 0;

	WRITE_ONCE(fails_last, kp->symbol_name);
	regs->ax = result;
	regs->ip = (unsigned long)fails_return;
	return 1;
}
NOKPROBE_SYMBOL(fails_enter);

static int fails_with_null(struct kprobe *kp, struct pt_regs *regs)
{
	return fails_enter(kp, regs, 0);
}
NOKPROBE_SYMBOL(fails_with_null);

static int fails_with_errno(struct kprobe *kp, struct pt_regs *regs)
{
	return fails_enter(kp, regs, -ENOMEM);
}
NOKPROBE_SYMBOL(fails_with_errno);

/* An optimized probe could not change the way. */
static void fails_after(struct kprobe *kp, struct pt_regs *regs,
			unsigned long flags)
{
}

#define FAILS_NULL(name)						\
	{ .symbol_name = #name, .pre_handler = fails_with_null,		\
	  .post_handler = fails_after }
#define FAILS_ERRNO(name)						\
	{ .symbol_name = #name, .pre_handler = fails_with_errno,	\
	  .post_handler = fails_after }

static struct kprobe fails_probes[] = {
	FAILS_NULL(__alloc_skb),
	FAILS_NULL(__kmalloc_cache_noprof),
	FAILS_NULL(__kmalloc_noprof),
	FAILS_NULL(__kvmalloc_node_noprof),
	FAILS_NULL(__pskb_pull_tail),
	FAILS_NULL(kobject_create_and_add),
	FAILS_NULL(pcpu_alloc_noprof),
	/* NF_DROP */
	FAILS_NULL(nf_nat_masquerade_ipv4),
	FAILS_NULL(nf_nat_masquerade_ipv6),
	FAILS_NULL(nf_nat_setup_info),
	FAILS_ERRNO(__request_module),
	FAILS_ERRNO(ip6_route_me_harder),
	FAILS_ERRNO(ip_route_input_noref),
	FAILS_ERRNO(ip_route_me_harder),
	FAILS_ERRNO(nf_ct_netns_get),
	FAILS_ERRNO(nf_logger_find_get),
	FAILS_ERRNO(nf_nat_ipv4_register_fn),
	FAILS_ERRNO(nf_nat_ipv6_register_fn),
	FAILS_ERRNO(nf_nat_masquerade_inet_register_notifiers),
	FAILS_ERRNO(nf_register_net_hook),
	FAILS_ERRNO(pskb_expand_head),
	FAILS_ERRNO(pskb_trim_rcsum_slow),
	FAILS_ERRNO(register_fib_notifier),
	FAILS_ERRNO(register_inet6addr_notifier),
	FAILS_ERRNO(register_inetaddr_notifier),
	FAILS_ERRNO(register_netdevice_notifier),
	FAILS_ERRNO(register_netevent_notifier),
	FAILS_ERRNO(skb_ensure_writable),
	FAILS_ERRNO(sysfs_create_file_ns),
	FAILS_ERRNO(sysfs_create_files),
};

static int fails_module_event(struct notifier_block *nb, unsigned long event,
			      void *ptr)
{
	const struct module *module = ptr;

	if (strcmp(module->name, "chatdnat"))
		return NOTIFY_DONE;

	switch (event) {
	case MODULE_STATE_COMING:
		fails_text = module->mem[MOD_TEXT];
		fails_init_text = module->mem[MOD_INIT_TEXT];
		break;
	case MODULE_STATE_LIVE:
		fails_init_text.size = 0;
		break;
	case MODULE_STATE_GOING:
		fails_text.size = 0;
		fails_init_text.size = 0;
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block fails_module_nb = {
	.notifier_call = fails_module_event,
};

static int __init fails_init(void)
{
	unsigned int i;
	int err;

	err = register_module_notifier(&fails_module_nb);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(fails_probes); i++) {
		err = register_kprobe(&fails_probes[i]);
		if (!err)
			continue;
		pr_err("fails: %s: error %d\n", fails_probes[i].symbol_name,
		       -err);
		goto err_probes;
	}
	return 0;

err_probes:
	while (i--)
		unregister_kprobe(&fails_probes[i]);
	unregister_module_notifier(&fails_module_nb);
	return err;
}

static void __exit fails_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fails_probes); i++)
		unregister_kprobe(&fails_probes[i]);
	unregister_module_notifier(&fails_module_nb);
}

module_init(fails_init);
module_exit(fails_exit);
MODULE_DESCRIPTION("Has chatdnat run out of memory, call by call");
MODULE_LICENSE("GPL");
