/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module's sources need of the kernel, as little of it as they get by
 * with in a process. Each header that they include is a stub that includes the
 * C library's copy of it, if there is one, and this.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <errno.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define U16_MAX UINT16_MAX
#define U32_MAX UINT32_MAX

#define __force
#define __rcu
#define __percpu
#define __read_mostly
#define noinline __attribute__((noinline))
#define IS_ENABLED(option) 1
#undef static_assert
#define static_assert(condition, ...) _Static_assert(condition, #condition)
#define likely(condition) (condition)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min_t(type, a, b) min((type)(a), (type)(b))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define htons(value) ((__be16)__builtin_bswap16(value))
#define htonl(value) ((__be32)__builtin_bswap32(value))
#else
#define htons(value) ((__be16)(value))
#define htonl(value) ((__be32)(value))
#endif
#define ntohs(value) ((u16)htons(value))
#define swab16(value) __builtin_bswap16(value)

#define PAGE_SIZE 4096UL

int scnprintf(char *buf, size_t size, const char *format, ...);

static inline bool __test_and_set_bit(long nr, unsigned long *word)
{
	bool was = *word >> nr & 1;

	*word |= 1UL << nr;
	return was;
}

#define BITS_PER_LONG (8 * __SIZEOF_LONG__)
#define DECLARE_BITMAP(name, bits) unsigned long name[((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG]

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return map[nr / BITS_PER_LONG] >> nr % BITS_PER_LONG & 1;
}

static inline void __set_bit(unsigned long nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] |= 1UL << nr % BITS_PER_LONG;
}

/* Memory, which runs short where a target wants it to. */
#define GFP_KERNEL 0

void *fuzz_alloc(size_t size);

#define kmalloc(size, flags) fuzz_alloc(size)

static inline void *kzalloc(size_t size, int flags)
{
	void *p = fuzz_alloc(size);

	return p ? memset(p, 0, size) : NULL;
}

#define kfree(p) free(p)
#define kfree_rcu(p, field) free(p)

/* One thread: nobody waits, and nobody reads what has been replaced. */
struct mutex {
	bool held;
};

struct rcu_head {
	void *next;
};

#define DEFINE_MUTEX(name) struct mutex name

/* Whoever fuzzes may write. */
#define ns_capable(ns, capability) true

void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool fuzz_held(const struct mutex *mutex);

#define lockdep_is_held(mutex) fuzz_held(mutex)
#define lockdep_assert_held(mutex) ((void)(fuzz_held(mutex) || (abort(), 0)))
#define rcu_dereference(p) (p)
#define rcu_dereference_protected(p, condition) ((void)((condition) || (abort(), 0)), (p))
#define rcu_replace_pointer(p, new, condition) ((p) = (new))
#define RCU_INIT_POINTER(p, new) ((p) = (new))
#define synchronize_net() ((void)0)

#define READ_ONCE(v) (v)
#define DECLARE_PER_CPU(type, name) extern type name
#define this_cpu_inc(v) ((v)++)

struct u64_stats_sync { };

typedef struct {
	int counter;
} atomic_t;

#define atomic_read(v) ((v)->counter)
#define jiffies 0UL
#define ktime_get_seconds() 0
#define time_before(a, b) ((long)((a) - (b)) < 0)

/* The module's parameters are found by their names. */
struct kernel_param;

struct kernel_param_ops {
	int (*set)(const char *val, const struct kernel_param *param);
	int (*get)(char *buf, const struct kernel_param *param);
};

struct kernel_param {
	const char *name;
	const struct kernel_param_ops *ops;
	void *arg;
};

void fuzz_param(const struct kernel_param *param);

#define module_param_cb(_name, _ops, _arg, mode)				\
	static const struct kernel_param fuzz_param_##_name = { #_name, _ops, _arg }; \
	static __attribute__((constructor)) void fuzz_param_add_##_name(void)	\
	{									\
		fuzz_param(&fuzz_param_##_name);				\
	}									\
	_Static_assert((mode) == 0644, "mode")
#define MODULE_PARM_DESC(name, text) _Static_assert(sizeof(text) > 1, "description")

void fuzz_log(const char *format, ...);

#define pr_err(format, ...) fuzz_log(pr_fmt(format), ##__VA_ARGS__)
#define pr_info(format, ...) fuzz_log(pr_fmt(format), ##__VA_ARGS__)
#define pr_warn(format, ...) fuzz_log(pr_fmt(format), ##__VA_ARGS__)

#include "packet_standins.h"

#endif
