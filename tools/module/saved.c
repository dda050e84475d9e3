// SPDX-License-Identifier: GPL-2.0
#include "saved.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/family.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "modprobe.h"
#include "ports.h"
#include "relay.h"

/* Defaults for names that are not in the file; names that are not here are not compared. */
static const struct {
	const char *name, *value;
} defaults[] = {
	{ "wan", "" },		 { "v4", "" },	       { "v6", "" },
	{ "ports", "chatmail" }, { "scope", "local" }, { "masquerade", "wan" },
	{ "guard", "off" },	 { "allow", "ssh" },   { "mss", "auto" },
	{ "via", "" },		 { "stale", "flush" }, { "enabled", "1" },
	{ "hairpin", "0" },	 { "log", "off" },     { "fast", "auto" },
	{ "engine", "tracked" },
};

static const char *default_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!strcmp(defaults[i].name, name))
			return defaults[i].value;
	return NULL;
}

bool saved_in_uci(void)
{
	return access("/etc/rc.common", F_OK) == 0 && access(SAVED_UCI, F_OK) == 0;
}

/* kmod joins lines at a backslash and drops it before anything else; the kernel takes "a b" as one word. */
static char *quote(const char *value)
{
	bool blank = strpbrk(value, " \t") != NULL;
	char *out = xcalloc(strlen(value) * 2 + 3, 1), *o = out;

	if (blank)
		*o++ = '"';
	for (; *value; value++) {
		if (*value == '\\')
			*o++ = '\\';
		*o++ = *value;
	}
	if (blank)
		*o++ = '"';
	return out;
}

char *saved_render(const struct config *config)
{
	char *line,
		*text = xstrdup("# chatdnat's configuration, written by chatdnatctl save; see chatdnatctl(8)\n"
				"options chatdnat");
	size_t i;

	for (i = 0; i < config->n; i++) {
		const struct setting *s = &config->v[i];
		const char *usual = default_of(s->name);
		char *quoted, *longer;

		/* An empty value may be told from the default only where the default is empty. */
		if (!s->value || (!*s->value && usual && !*usual))
			continue;
		quoted = quote(s->value);
		longer = xasprintf("%s %s=%s", text, s->name, quoted);
		free(quoted);
		free(text);
		text = longer;
	}
	line = xasprintf("%s\n", text);
	free(text);
	return line;
}

/* The origin goes with the value. A word without '=' has no value. */
static void merge(struct config *config, const struct config *words)
{
	size_t i;

	for (i = 0; i < words->n; i++) {
		const struct setting *word = &words->v[i];
		size_t at;

		/* The parameter `config` resets settings that it does not name. */
		if (!strcmp(word->name, "config")) {
			config_free(config);
			config_parse(config, word->value ? word->value : "");
			config_origin(config, 0, word->file, word->line);
			continue;
		}
		config_remove(config, word->name);
		at = config->n;
		config_append(config, word->name, word->value);
		config_origin(config, at, word->file, word->line);
	}
}

int saved_read(struct config *config)
{
	struct config options = { 0 };
	int found = modprobe_read(&options);

	merge(config, &options);
	config_free(&options);
	return found || !config->n ? found : 1;
}

bool saved_name_known(const char *name, const struct config *active)
{
	/* The kernel's own, for any module, and the parameter that has all settings. */
	static const char *const others[] = { "config", "async_probe", "dyndbg" };
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(name, others[i]))
			return true;
	return default_of(name) || config_get(active, name);
}

const char *saved_nearest_name(const char *name, const struct config *active)
{
	const char *nearest = NULL;
	size_t best = 3, i, n;

	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]) + active->n; i++) {
		const char *other = i < active->n ? active->v[i].name : defaults[i - active->n].name;

		n = text_distance(name, other);
		if (n < best && n < strlen(other)) {
			best = n;
			nearest = other;
		}
	}
	return nearest;
}

void saved_complete(struct config *config, const struct config *saved)
{
	size_t i;

	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		config_set(config, defaults[i].name, defaults[i].value);
	for (i = 0; i < saved->n; i++)
		config_set(config, saved->v[i].name, saved->v[i].value ? saved->v[i].value : "");
}

static bool same_ports(const char *a, const char *b)
{
	struct ports *pa = xcalloc(2, sizeof(*pa)), *pb = pa + 1;
	bool same = ports_parse(pa, a) && ports_parse(pb, b) && !memcmp(pa, pb, sizeof(*pa));

	free(pa);
	return same;
}

static bool same_relays(enum family family, const char *a, const char *b)
{
	struct relays ra = { 0 }, rb = { 0 };
	bool same;
	size_t i;

	relays_parse(&ra, family, a);
	relays_parse(&rb, family, b);
	same = ra.n == rb.n;
	for (i = 0; same && i < ra.n; i++)
		same = ra.v[i].valid && rb.v[i].valid &&
		       address_equal(&ra.v[i].address, &rb.v[i].address) &&
		       !ra.v[i].own_text == !rb.v[i].own_text &&
		       (!ra.v[i].own_text || address_equal(&ra.v[i].own, &rb.v[i].own));
	relays_free(&ra);
	relays_free(&rb);
	return same;
}

/* A file written by hand may spell a value differently from the kernel. */
static bool same_value(const char *name, const char *a, const char *b)
{
	if (!strcmp(a, b))
		return true;
	if (!strcmp(name, "ports") || !strcmp(name, "allow"))
		return same_ports(a, b);
	if (!strcmp(name, "v4") || !strcmp(name, "v6"))
		return same_relays(name[1] == '4' ? V4 : V6, a, b);
	return false;
}

bool saved_is_default(const char *name, const char *value)
{
	const char *usual = default_of(name);

	return usual && same_value(name, usual, value);
}

bool saved_same(const struct config *a, const struct config *b, const char *name)
{
	const char *in_b = config_get(b, name);

	return in_b && same_value(name, config_text(a, name), in_b);
}

char *saved_differences(const struct config *saved, const struct config *active)
{
	char *names = xstrdup("");
	size_t i;

	for (i = 0; i < active->n + saved->n; i++) {
		const char *name = i < active->n ? active->v[i].name : saved->v[i - active->n].name;
		const char *was = config_get(saved, name), *is = config_get(active, name);
		char *longer;

		if (i >= active->n && is)
			continue;
		if (!was)
			was = default_of(name);
		if (!is && !default_of(name))
			continue;
		if (!was || (is && same_value(name, was, is)))
			continue;
		longer = xasprintf("%s%s%s", names, *names ? ", " : "", name);
		free(names);
		names = longer;
	}
	return names;
}
