// SPDX-License-Identifier: GPL-2.0
/* The file for modprobe that keeps the configuration. Input: its contents. */
#include "../../tools/module/saved.h"

#include <string.h>

#include "tool.h"

static void begin(const char *text)
{
	static char *file;

	free(file);
	CHECK(asprintf(&file, "@" SAVED_OPTIONS "\n%s", text) > 0);
	host_begin(file, strlen(file));
}

static bool same(const struct config *a, const struct config *b)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (strcmp(a->v[i].value ? a->v[i].value : "", config_text(b, a->v[i].name)) != 0)
			return false;
	return true;
}

/* The kernel refuses a line in which a name comes twice. */
static bool unique(const struct config *config)
{
	size_t i, j;

	for (i = 0; i < config->n; i++)
		for (j = 0; j < i; j++)
			if (!strcmp(config->v[i].name, config->v[j].name))
				return false;
	return true;
}

/* What the kernel reads back: names of its own, values without quotes and line's ends. */
static bool like_the_kernel(const struct config *config)
{
	size_t i;

	for (i = 0; i < config->n; i++)
		if (!*config->v[i].name || !config->v[i].value || strpbrk(config->v[i].name, "\\\" \t\n@#") ||
		    !strcmp(config->v[i].name, "config") ||
		    strpbrk(config->v[i].value, "\"\n"))
			return false;
	return true;
}

static void check_render(const struct config *config)
{
	char *text = saved_render(config), *differences;
	struct config again = { 0 };

	begin(text);
	CHECK(saved_read(&again) == 1);
	host_end();
	CHECK(same(config, &again) && same(&again, config));
	differences = saved_differences(&again, config);
	CHECK(!*differences);
	free(differences);
	free(text);
	config_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = { 0 }, complete = { 0 };
	char *text = malloc(size + 1);

	CHECK(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	begin(text);
	CHECK(saved_read(&config) == 1);
	host_end();
	saved_complete(&complete, &config);
	CHECK(!unique(&config) || same(&config, &complete));
	if (unique(&config) && like_the_kernel(&config))
		check_render(&config);
	config_free(&config);
	config_free(&complete);
	free(text);
	return 0;
}
