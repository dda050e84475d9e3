// SPDX-License-Identifier: GPL-2.0
/* Files in sysfs besides the parameters: last_error, engines, fastpath, stats/. */
#include <linux/capability.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sysfs.h>

#include "core/stats.h"
#include "engine.h"
#include "fast/gate.h"
#include "params.h"
#include "sysfs.h"
#include "tracked/reply_count.h"

static ssize_t last_error_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	return chatdnat_params_last_error(buf, PAGE_SIZE);
}

static const struct kobj_attribute chatdnat_last_error_attr =
	__ATTR_RO(last_error);

static ssize_t engines_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return chatdnat_engine_show(buf, PAGE_SIZE);
}

static const struct kobj_attribute chatdnat_engines_attr = __ATTR_RO(engines);

static ssize_t fastpath_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	return chatdnat_gate_show(buf, PAGE_SIZE);
}

static const struct kobj_attribute chatdnat_fastpath_attr = __ATTR_RO(fastpath);

/* stats/, and a subdirectory for each family. */
static struct kobject *chatdnat_stats_dir;
static struct kobject *chatdnat_family_dir[CHATDNAT_FAMILIES];

static const char *const chatdnat_family_names[CHATDNAT_FAMILIES] = {
	[CHATDNAT_IPV4] = "ipv4",
	[CHATDNAT_IPV6] = "ipv6",
};

struct chatdnat_counter_attr {
	struct kobj_attribute attr;
	enum chatdnat_counter counter;
};

static ssize_t chatdnat_counter_show(struct kobject *kobj,
				     struct kobj_attribute *attr, char *buf)
{
	const struct chatdnat_counter_attr *counter_attr =
		container_of(attr, struct chatdnat_counter_attr, attr);
	enum chatdnat_family family = CHATDNAT_IPV4;

	if (kobj == chatdnat_family_dir[CHATDNAT_IPV6])
		family = CHATDNAT_IPV6;
	/*
	 * This takes locks of the packet path, so unprivileged readers may not.
	 */
	if (counter_attr->counter == CHATDNAT_ANSWERED &&
	    ns_capable_noaudit(&init_user_ns, CAP_NET_ADMIN))
		chatdnat_reply_count_settle();

	return sysfs_emit(buf, "%llu\n",
			  chatdnat_stats_sum(family, counter_attr->counter));
}

#define CHATDNAT_COUNTER_ATTR(id, _name)                                  \
	static struct chatdnat_counter_attr chatdnat_attr_##_name = {     \
		.attr = __ATTR(_name, 0444, chatdnat_counter_show, NULL), \
		.counter = CHATDNAT_##id,                                 \
	};
CHATDNAT_COUNTERS(CHATDNAT_COUNTER_ATTR)

static const struct attribute *const chatdnat_counter_attrs[] = {
#define CHATDNAT_COUNTER_POINTER(id, name) &chatdnat_attr_##name.attr.attr,
	CHATDNAT_COUNTERS(CHATDNAT_COUNTER_POINTER) NULL,
};

static int chatdnat_family_init(enum chatdnat_family family)
{
	struct kobject *dir;

	dir = kobject_create_and_add(chatdnat_family_names[family],
				     chatdnat_stats_dir);
	if (!dir)
		return -ENOMEM;

	/* Before its files are created: they get the family from it. */
	chatdnat_family_dir[family] = dir;
	return sysfs_create_files(dir, chatdnat_counter_attrs);
}

/* Removes the files now; the last reference frees the memory. */
static void chatdnat_dir_remove(struct kobject *dir)
{
	kobject_del(dir);
	kobject_put(dir);
}

/**
 * chatdnat_sysfs_init() - create the files
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative errno.
 */
int chatdnat_sysfs_init(void)
{
	struct kobject *module = &THIS_MODULE->mkobj.kobj;
	enum chatdnat_family family;
	int err;

	err = sysfs_create_file(module, &chatdnat_last_error_attr.attr);
	if (err)
		return err;

	err = sysfs_create_file(module, &chatdnat_engines_attr.attr);
	if (err)
		goto err_last_error;

	err = sysfs_create_file(module, &chatdnat_fastpath_attr.attr);
	if (err)
		goto err_engines;

	chatdnat_stats_dir = kobject_create_and_add("stats", module);
	if (!chatdnat_stats_dir) {
		err = -ENOMEM;
		goto err_exit;
	}

	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		err = chatdnat_family_init(family);
		if (err)
			goto err_exit;
	}
	return 0;

err_exit:
	chatdnat_sysfs_exit();
	return err;
err_engines:
	sysfs_remove_file(module, &chatdnat_engines_attr.attr);
err_last_error:
	sysfs_remove_file(module, &chatdnat_last_error_attr.attr);
	return err;
}

/**
 * chatdnat_sysfs_exit() - remove the files
 *
 * On return there is no reader. Files that were not created are skipped.
 *
 * Context: Process context, may sleep.
 */
void chatdnat_sysfs_exit(void)
{
	struct kobject *module = &THIS_MODULE->mkobj.kobj;

	chatdnat_dir_remove(chatdnat_family_dir[CHATDNAT_IPV6]);
	chatdnat_dir_remove(chatdnat_family_dir[CHATDNAT_IPV4]);
	chatdnat_dir_remove(chatdnat_stats_dir);
	sysfs_remove_file(module, &chatdnat_fastpath_attr.attr);
	sysfs_remove_file(module, &chatdnat_engines_attr.attr);
	sysfs_remove_file(module, &chatdnat_last_error_attr.attr);
}
