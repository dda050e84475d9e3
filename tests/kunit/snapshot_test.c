// SPDX-License-Identifier: GPL-2.0
/* What is remembered of earlier configurations, and what is bound to what. */
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "chatdnat_test.h"
#include "module/core/snapshot.h"

/* Makes these the settings that hold, like those who write them do. */
static void configure(struct kunit *test, const char *line)
{
	struct chatdnat_settings *settings = chatdnat_test_settings(test, line);
	struct chatdnat_snapshot *snapshot, *old;
	struct chatdnat_former *forgotten;

	mutex_lock(&chatdnat_config_lock);
	old = chatdnat_active_locked();
	snapshot = chatdnat_snapshot_new(settings, &forgotten);
	if (snapshot) {
		chatdnat_snapshot_publish(snapshot);
		if (forgotten)
			chatdnat_former_put(forgotten);
		chatdnat_snapshot_free(old);
	}
	mutex_unlock(&chatdnat_config_lock);
	KUNIT_ASSERT_NOT_NULL(test, snapshot);
}

static void unconfigure(struct kunit *test)
{
	mutex_lock(&chatdnat_config_lock);
	chatdnat_snapshot_free(chatdnat_active_locked());
	RCU_INIT_POINTER(chatdnat_active, NULL);
	mutex_unlock(&chatdnat_config_lock);
}

#define A	"wan=eth0 v4=10.9.0.2"
#define B	"wan=eth0 v4=10.9.0.3"

/*
 * @lines: settings one after the other; @former: how many are remembered;
 * @stale: answers of 10.9.0.2 from port 25 are of a connection that has ended;
 * @masqueraded: whose address connections took or take
 */
static const struct history {
	const char *name;
	const char *lines[4];
	unsigned int former;
	bool stale;
	const char *masqueraded;
	const char *not;
} histories[] = {
	{ .name = "one", .lines = { A }, .former = 0, .masqueraded = "eth0",
	  .not = "eth1" },
	{ .name = "the same again", .lines = { A, A }, .former = 0,
	  .masqueraded = "eth0", .not = "eth1" },
	{ .name = "another relay", .lines = { A, B }, .former = 1,
	  .stale = true, .masqueraded = "eth0", .not = "eth1" },
	{ .name = "and back", .lines = { A, B, A }, .former = 1,
	  .masqueraded = "eth0", .not = "eth1" },
	{ .name = "and there again", .lines = { A, B, A, B }, .former = 1,
	  .stale = true, .masqueraded = "eth0", .not = "eth1" },
	{ .name = "no relay any more", .lines = { A, "wan=eth0" }, .former = 1,
	  .stale = true, .masqueraded = "eth0", .not = "eth1" },
	{ .name = "no relay at first", .lines = { "wan=eth0", A }, .former = 0,
	  .masqueraded = "eth0", .not = "eth1" },
	{ .name = "another interface", .lines = { A, "wan=eth1 v4=10.9.0.2" },
	  .former = 1, .masqueraded = "eth0", .not = "eth2" },
	{ .name = "masquerades no more", .lines = { A, A " masquerade=off" },
	  .former = 1, .masqueraded = "eth0", .not = "eth1" },
	{ .name = "never masqueraded", .lines = { A " masquerade=off" },
	  .former = 0, .not = "eth0" },
	{ .name = "masquerades more", .lines = { A, A " masquerade=all" },
	  .former = 0, .masqueraded = "eth0", .not = "eth1" },
	{ .name = "other ports", .lines = { A, A " ports=80" }, .former = 1,
	  .stale = true, .masqueraded = "eth0", .not = "eth1" },
	{ .name = "more ports", .lines = { A, A " ports=25,80" }, .former = 1,
	  .masqueraded = "eth0", .not = "eth1" },
	{ .name = "what does not matter to connections",
	  .lines = { A, A " mss=off log=drops" }, .former = 0,
	  .masqueraded = "eth0", .not = "eth1" },
	{ .name = "three", .lines = { A, B, "wan=eth0 v4=10.9.0.4" },
	  .former = 2, .stale = true, .masqueraded = "eth0", .not = "eth1" },
	{ .name = "another address of ours",
	  .lines = { A, "wan=eth0 v4=10.9.0.2@192.0.2.1" }, .former = 1,
	  .masqueraded = "eth0", .not = "eth1" },
};
KUNIT_ARRAY_PARAM_DESC(histories, histories, name);

static void former(struct kunit *test)
{
	const struct history *row = test->param_value;
	const struct chatdnat_snapshot *snapshot;
	struct chatdnat_flow flow = {
		.family = CHATDNAT_IPV4,
		.proto = CHATDNAT_TCP,
		.saddr = chatdnat_test_addr(test, "10.9.0.2"),
		.daddr = chatdnat_test_addr(test, "203.0.113.9"),
		.sport = 25,
		.dport = 40000,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(row->lines) && row->lines[i]; i++)
		configure(test, row->lines[i]);
	/* What is remembered outlives the snapshots that are gone. */
	kvfree_rcu_barrier();

	rcu_read_lock();
	snapshot = rcu_dereference(chatdnat_active);
	KUNIT_EXPECT_EQ(test, snapshot->n_former, row->former);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(snapshot->prev));
	KUNIT_EXPECT_EQ(test, row->stale, chatdnat_snapshot_stale(snapshot, &flow));
	flow.sport = 26;
	KUNIT_EXPECT_FALSE(test, chatdnat_snapshot_stale(snapshot, &flow));
	flow.sport = 25;
	flow.proto = CHATDNAT_UDP;
	KUNIT_EXPECT_FALSE(test, chatdnat_snapshot_stale(snapshot, &flow));
	if (row->masqueraded)
		KUNIT_EXPECT_TRUE(test, chatdnat_snapshot_masqueraded(snapshot, CHATDNAT_IPV4,
								      row->masqueraded));
	KUNIT_EXPECT_FALSE(test, chatdnat_snapshot_masqueraded(snapshot, CHATDNAT_IPV4,
							       row->not));
	KUNIT_EXPECT_FALSE(test, chatdnat_snapshot_masqueraded(snapshot, CHATDNAT_IPV6,
							       "eth0"));
	rcu_read_unlock();
}

/* Of more than are remembered, the oldest is forgotten. */
static void limit(struct kunit *test)
{
	const struct chatdnat_snapshot *snapshot;
	struct chatdnat_addr oldest;
	char line[64];
	int i;

	for (i = 1; i <= CHATDNAT_FORMER_MAX + 3; i++) {
		snprintf(line, sizeof(line), "wan=eth0 v4=10.9.0.%d", i);
		configure(test, line);
	}
	oldest = chatdnat_test_addr(test, "10.9.0.3");
	rcu_read_lock();
	snapshot = rcu_dereference(chatdnat_active);
	KUNIT_EXPECT_EQ(test, snapshot->n_former, CHATDNAT_FORMER_MAX);
	KUNIT_EXPECT_TRUE(test, chatdnat_relays_has(&snapshot->former[0]->service.relays[0],
						    &oldest));
	rcu_read_unlock();
}

/* @anew: after the last line, forwarded connections have time to go on again */
static const struct guarded {
	const char *name;
	const char *lines[3];
	bool anew;
} guards[] = {
	{ "switched on", { A, A " guard=forward" }, true },
	{ "switched on for all", { A, A " guard=strict" }, true },
	{ "another setting", { A " guard=forward", A " guard=forward mss=off" },
	  false },
	{ "another relay, guarded", { A " guard=full", B " guard=full" }, false },
	{ "this host too", { A " guard=forward", A " guard=full" }, false },
	{ "other interfaces too", { A " guard=full", A " guard=strict" }, true },
	{ "strict no more", { A " guard=strict", A " guard=full" }, false },
	{ "off and on", { A " guard=full", A, A " guard=full" }, true },
	{ "another WAN interface", { A " guard=full",
	  "wan=eth0,eth1 v4=10.9.0.2 guard=full" }, true },
};
KUNIT_ARRAY_PARAM_DESC(guards, guards, name);

static void guarded(struct kunit *test)
{
	const struct guarded *row = test->param_value;
	s64 before = -1000000, now;
	int i;

	for (i = 0; i < ARRAY_SIZE(row->lines) && row->lines[i]; i++) {
		configure(test, row->lines[i]);
		mutex_lock(&chatdnat_config_lock);
		now = chatdnat_active_locked()->guarded_since;
		chatdnat_active_locked()->guarded_since = before;
		mutex_unlock(&chatdnat_config_lock);
	}
	KUNIT_EXPECT_EQ(test, row->anew, now != before);
	if (row->anew)
		KUNIT_EXPECT_LE(test, ktime_get_seconds() - now, 60);
}

static const struct pair {
	const char *name;
	const char *local;
	const char *relay;
	int home;
	int via;
	u16 port;
	bool equal;
} pairs[] = {
	{ .name = "the same", .local = "192.0.2.1", .relay = "10.9.0.2",
	  .home = 2, .via = 3, .port = 25, .equal = true },
	{ .name = "another local address", .local = "192.0.2.2",
	  .relay = "10.9.0.2", .home = 2, .via = 3, .port = 25 },
	{ .name = "another relay", .local = "192.0.2.1", .relay = "10.9.0.3",
	  .home = 2, .via = 3, .port = 25 },
	{ .name = "another home", .local = "192.0.2.1", .relay = "10.9.0.2",
	  .home = 4, .via = 3, .port = 25 },
	{ .name = "another interface", .local = "192.0.2.1", .relay = "10.9.0.2",
	  .home = 2, .via = 4, .port = 25 },
	{ .name = "another port", .local = "192.0.2.1", .relay = "10.9.0.2",
	  .home = 2, .via = 3, .port = 26 },
	{ .name = "the last port", .local = "192.0.2.1", .relay = "10.9.0.2",
	  .home = 2, .via = 3, .port = 65535 },
	{ .name = "the other family", .local = "2001:db8::1", .relay = "fd00::2",
	  .home = 2, .via = 3, .port = 25 },
};
KUNIT_ARRAY_PARAM_DESC(pairs, pairs, name);

static void free_bindings(void *bindings)
{
	chatdnat_bindings_free(bindings);
}

static struct chatdnat_bindings *bind(struct kunit *test,
				      const struct pair *row)
{
	struct chatdnat_bindings *bindings = chatdnat_bindings_new();
	struct chatdnat_addr local = chatdnat_test_addr(test, row->local);
	struct chatdnat_addr relay = chatdnat_test_addr(test, row->relay);

	KUNIT_ASSERT_NOT_NULL(test, bindings);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_bindings,
							   bindings));
	KUNIT_ASSERT_TRUE(test, chatdnat_bindings_add(bindings,
						      chatdnat_test_family(row->local),
						      &local, row->home, &relay));
	bindings->via = row->via;
	__set_bit(row->port, bindings->ports);
	return bindings;
}

static void bindings(struct kunit *test)
{
	const struct pair *row = test->param_value;
	enum chatdnat_family family = chatdnat_test_family(row->local);
	struct chatdnat_addr local = chatdnat_test_addr(test, row->local);
	struct chatdnat_addr relay = chatdnat_test_addr(test, row->relay);
	struct chatdnat_bindings *a = bind(test, &pairs[0]);
	struct chatdnat_bindings *b = bind(test, row);
	const struct chatdnat_binding *binding = &b->binding[family][0];

	KUNIT_EXPECT_EQ(test, row->equal, chatdnat_bindings_equal(a, b));
	KUNIT_EXPECT_EQ(test, row->equal, chatdnat_bindings_equal(b, a));
	KUNIT_EXPECT_FALSE(test, chatdnat_bindings_equal(a, NULL));
	KUNIT_EXPECT_FALSE(test, chatdnat_bindings_equal(NULL, a));
	KUNIT_EXPECT_TRUE(test, chatdnat_bindings_equal(NULL, NULL));
	KUNIT_EXPECT_PTR_EQ(test, chatdnat_bindings_by_local(b, family, &local),
			    binding);
	KUNIT_EXPECT_PTR_EQ(test, chatdnat_bindings_by_relay(b, family, &relay),
			    binding);
	KUNIT_EXPECT_NULL(test, chatdnat_bindings_by_local(b, family, &relay));
	KUNIT_EXPECT_NULL(test, chatdnat_bindings_by_relay(b, family, &local));
	KUNIT_EXPECT_NULL(test, chatdnat_bindings_by_local(b, !family, &local));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(former, histories_gen_params),
	KUNIT_CASE(limit),
	KUNIT_CASE_PARAM(guarded, guards_gen_params),
	KUNIT_CASE_PARAM(bindings, pairs_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_snapshot",
	.exit = unconfigure,
	.test_cases = cases,
};
kunit_test_suite(suite);
