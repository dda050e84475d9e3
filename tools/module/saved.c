// SPDX-License-Identifier: GPL-2.0
#include "saved.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/family.h"
#include "../lib/mem.h"
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
	{ "hairpin", "0" },	 { "log", "off" },     { "engine", "tracked" },
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

/* One logical line, as kmod joins them. False at the end. */
static bool read_logical_line(FILE *f, char **line, size_t *size)
{
	size_t n = 0;
	int c;

	for (c = getc(f); c != EOF && c != '\n'; c = getc(f)) {
		if (c == '\\') {
			c = getc(f);
			if (c == '\n')
				continue;
			if (c == EOF)
				break;
		}
		if (n + 1 >= *size) {
			*line = xgrow(*line, n + 255, 1);
			*size = n + 256;
		}
		(*line)[n++] = (char)c;
	}
	if (!*line)
		*line = xcalloc(*size = 1, 1);
	(*line)[n] = '\0';
	return n || c != EOF;
}

static void merge(struct config *config, struct config *words)
{
	size_t i;

	for (i = 0; i < words->n; i++) {
		const char *value = words->v[i].value ? words->v[i].value : "";

		/* The parameter `config` resets settings that it does not name. */
		if (!strcmp(words->v[i].name, "config")) {
			config_free(config);
			config_parse(config, value);
		} else {
			config_set(config, words->v[i].name, value);
		}
	}
}

int saved_read(struct config *config)
{
	FILE *f = fopen(SAVED_OPTIONS, "re");
	char *line = NULL;
	size_t size = 0;
	int err;

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	while (read_logical_line(f, &line, &size)) {
		static const char blank[] = " \t";
		char *s = line + strspn(line, blank);
		size_t word = strcspn(s, blank);
		struct config words = { 0 };

		if (word != 7 || strncmp(s, "options", word) != 0)
			continue;
		s += word;
		s += strspn(s, blank);
		word = strcspn(s, blank);
		if (word != 8 || strncmp(s, "chatdnat", word) != 0)
			continue;
		config_parse(&words, s + word);
		merge(config, &words);
		config_free(&words);
	}
	err = ferror(f) ? -EIO : 1;
	fclose(f);
	free(line);
	return err;
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
		if (!was || (is && same_value(name, was, is)))
			continue;
		longer = xasprintf("%s%s%s", names, *names ? ", " : "", name);
		free(names);
		names = longer;
	}
	return names;
}
