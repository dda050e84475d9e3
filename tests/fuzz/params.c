// SPDX-License-Identifier: GPL-2.0
/*
 * All settings, as sysfs and modprobe write them, and what is remembered of
 * earlier ones. Input: a line for each write, NAME=VALUE, first those of the
 * modprobe line; "start" loads the module, "stop" unloads it, and "short N" has
 * the Nth allocation fail that follows.
 */
#include "../../module/params.c"

#include <stdio.h>

#include "fuzz.h"

#define PARAMS (CHATDNAT_SETTINGS_MAX + 1)

static const char *const names[PARAMS] = {
	"wan",	 "v4",	"v6",	 "ports",   "scope",   "masquerade", "guard",  "allow",
	"mss",	 "via", "stale", "enabled", "hairpin", "log",	     "fast",   "engine", "config",
};

/* The engine's own refusal, by the settings alone. */
int chatdnat_eligible_check(const struct chatdnat_settings *settings, bool host, struct chatdnat_text text,
			    struct chatdnat_refusal *why)
{
	if (settings->engine != CHATDNAT_ENGINE_STATELESS || settings->scope == CHATDNAT_SCOPE_LOCAL)
		return 0;
	return chatdnat_refuse(why, -EINVAL, text, host ? "scope=local" : "scope=local at last");
}

void chatdnat_bindings_free(struct chatdnat_bindings *bindings)
{
	CHECK(!bindings);
}

/* As apply.c does it, without packets. */
int chatdnat_apply(const struct chatdnat_settings *settings)
{
	struct chatdnat_snapshot *old = chatdnat_active_locked(), *new;
	struct chatdnat_former *forgotten;
	unsigned int i;

	new = chatdnat_snapshot_new(settings, &forgotten);
	if (new) {
		CHECK(new->n_former <= CHATDNAT_FORMER_MAX);
		for (i = 0; i < new->n_former; i++)
			CHECK(new->former[i]->users);
		chatdnat_snapshot_publish(new);
		chatdnat_snapshot_free(old);
	}
	if (forgotten)
		chatdnat_former_put(forgotten);
	return new ? 0 : -ENOMEM;
}

void chatdnat_teardown(void)
{
	chatdnat_snapshot_free(chatdnat_active_locked());
	chatdnat_active = NULL;
}

struct values {
	char *of[PARAMS];
};

static char *get(const char *name)
{
	const struct kernel_param *param = fuzz_param_named(name, strlen(name));
	char *page = malloc(PAGE_SIZE);
	int len;

	CHECK(param && page);
	len = param->ops->get(page, param);
	CHECK(len > 0 && (size_t)len < PAGE_SIZE && page[len - 1] == '\n' && !page[len]);
	CHECK((size_t)len == strlen(page));
	return realloc(page, (size_t)len + 1);
}

static struct values get_all(void)
{
	struct values values;
	size_t i;

	for (i = 0; i < PARAMS; i++)
		values.of[i] = get(names[i]);
	return values;
}

static bool same(const struct values *a, const struct values *b)
{
	size_t i;

	for (i = 0; i < PARAMS; i++)
		if (strcmp(a->of[i], b->of[i]) != 0)
			return false;
	return true;
}

static void forget(struct values *values)
{
	size_t i;

	for (i = 0; i < PARAMS; i++)
		free(values->of[i]);
}

static int set(const char *name, const char *value)
{
	const struct kernel_param *param = fuzz_param_named(name, strlen(name));
	char *copy = (char *)fuzz_copy(value, strlen(value) + 1);
	int err = param->ops->set(copy, param);

	free(copy);
	return err;
}

/* Why, as the file last_error has it. */
static void check_reason(const char *name, int err)
{
	char reason[2048] = "", start[64];
	int len = chatdnat_params_last_error(reason, sizeof(reason));

	if (!err) {
		CHECK(!len);
		return;
	}
	snprintf(start, sizeof(start), "%s: ", name);
	CHECK(len > 0 && (size_t)len == strlen(reason) && reason[len - 1] == '\n');
	CHECK(!strncmp(reason, start, strlen(start)));
	CHECK(strstr(reason, ": expected ") || strstr(reason, ": could not be applied: no memory"));
	CHECK(!strpbrk(reason, "\033\b\r") && strchr(reason, '\n') == reason + len - 1);
}

/* Everything can be written as it is read, and nothing is another by that. */
static void check_written_back(const struct values *values)
{
	struct values after;
	size_t i;

	for (i = 0; i < PARAMS; i++)
		CHECK(!set(names[i], values->of[i]));
	after = get_all();
	CHECK(same(values, &after));
	forget(&after);
}

/* In a line each setting stands once. */
static void check_once(const char *line)
{
	const char *word, *other, *end;

	for (word = line; (end = strchr(word, '=')); word = strchr(end, ' ') ? strchr(end, ' ') + 1 : "")
		for (other = line; other < word; other = strchr(other, ' ') + 1)
			CHECK(strncmp(other, word, (size_t)(end - word + 1)) != 0);
}

static void check_write(const char *name, const char *value)
{
	struct values before = get_all(), after;
	int err = set(name, value);

	/* What is short of memory is so once. */
	fuzz_alloc_fails = 0;
	after = get_all();
	check_reason(name, err);
	CHECK(strlen(after.of[PARAMS - 1]) <= CHATDNAT_VALUE_MAX + 1);
	if (err)
		CHECK(same(&before, &after));
	else
		check_written_back(&after);
	if (!err && !strcmp(name, "config"))
		check_once(value);
	forget(&before);
	forget(&after);
}

static void check_gone(void)
{
	char page[16];

	CHECK(set("v4", "10.9.0.2\n") == -ENODEV);
	CHECK(fuzz_param_named("v4", 2)->ops->get(page, fuzz_param_named("v4", 2)) == -ENODEV);
}

/* False once the module is gone. */
static bool obey(char *line)
{
	char *equals = strchr(line, '='), *value;

	if (!strcmp(line, "start")) {
		if (chatdnat_phase != CHATDNAT_LOADING || !chatdnat_params_start())
			return true;
		check_gone();
		return false;
	}
	if (!strcmp(line, "stop"))
		return false;
	if (!strncmp(line, "short ", 6)) {
		fuzz_alloc_fails = (unsigned int)strtoul(line + 6, NULL, 10);
		return true;
	}
	if (!equals || !fuzz_param_named(line, (size_t)(equals - line)))
		return true;
	*equals = '\0';
	value = malloc(strlen(equals + 1) + 2);
	CHECK(value);
	sprintf(value, "%s\n", equals + 1);
	check_write(line, value);
	free(value);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *lines = malloc(size + 1), *line, *rest = lines;

	CHECK(lines);
	if (size)
		memcpy(lines, data, size);
	lines[size] = '\0';

	chatdnat_phase = CHATDNAT_LOADING;
	chatdnat_loading_begun = false;
	chatdnat_last_error[0] = '\0';
	while ((line = strsep(&rest, "\n")) && obey(line))
		;
	fuzz_alloc_fails = 0;
	chatdnat_params_stop();
	check_gone();
	free(lines);
	return 0;
}
