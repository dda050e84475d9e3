// SPDX-License-Identifier: GPL-2.0
/* One fault of each kind that the debug kernel has an instrument for. */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <net/net_namespace.h>

static char *fault = "none";
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "which fault to commit");

static int number = 64;
module_param(number, int, 0444);
MODULE_PARM_DESC(number, "something that the compiler cannot know");

static DEFINE_MUTEX(one);
static DEFINE_MUTEX(two);
static DEFINE_SPINLOCK(spin);
static char __rcu *shared;

struct timed {
	struct timer_list timer;
};

static void none(void)
{
}

static void out_of_bounds(void)
{
	char *bytes = kzalloc(number, GFP_KERNEL);

	pr_info("byte: %d\n", READ_ONCE(bytes[number]));
	kfree(bytes);
}

static void after_free(void)
{
	char *bytes = kzalloc(number, GFP_KERNEL);

	kfree(bytes);
	pr_info("byte: %d\n", READ_ONCE(bytes[0]));
}

static void leak(void)
{
	pr_info("leaked: %d\n", !kzalloc(number, GFP_KERNEL));
}

static void shift(void)
{
	pr_info("shifted: %d\n", 1 << number);
}

static void lock_order(void)
{
	mutex_lock(&one);
	mutex_lock(&two);
	mutex_unlock(&two);
	mutex_unlock(&one);
	mutex_lock(&two);
	mutex_lock(&one);
	mutex_unlock(&one);
	mutex_unlock(&two);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void unprotected(void)
{
	pr_info("shared: %d\n", !rcu_dereference(shared));
}

static void on_time(struct timer_list *timer)
{
}

static void active_timer(void)
{
	struct timed *timed = kzalloc(sizeof(*timed), GFP_KERNEL);

	timer_setup(&timed->timer, on_time, 0);
	mod_timer(&timed->timer, jiffies + HZ);
	kfree(timed);
}

static void device(void)
{
	netdevice_tracker tracker;

	netdev_hold(current->nsproxy->net_ns->loopback_dev, &tracker, GFP_KERNEL);
}

static void network(void)
{
	get_net(current->nsproxy->net_ns);
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "none", none },
	{ "out_of_bounds", out_of_bounds },
	{ "after_free", after_free },
	{ "leak", leak },
	{ "shift", shift },
	{ "lock_order", lock_order },
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "unprotected", unprotected },
	{ "active_timer", active_timer },
	{ "device", device },
	{ "network", network },
};

static int __init faulty_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (strcmp(faults[i].name, fault))
			continue;
		faults[i].commit();
		return 0;
	}
	return -EINVAL;
}

static void __exit faulty_exit(void)
{
}

module_init(faulty_init);
module_exit(faulty_exit);
MODULE_DESCRIPTION("What the debug kernel has to notice");
MODULE_LICENSE("GPL");
