// SPDX-License-Identifier: GPL-2.0
#include "kmod.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/mem.h"

/* Of libkmod.h: opaque there too. */
struct kmod_ctx;
struct kmod_list;
struct kmod_module;

/*
 * Looked up at run time: modules can be loaded without this program, so that neither its build nor its package
 * depends on the library. The names and types are those of its interface 2, which does not change.
 */
struct library {
	struct kmod_ctx *(*new)(const char *dirname, const char *const *config_paths);
	struct kmod_ctx *(*unref)(struct kmod_ctx *ctx);
	void (*set_log_fn)(struct kmod_ctx *ctx,
			   void (*log)(void *data, int priority, const char *file, int line,
				       const char *function, const char *format, va_list args),
			   const void *data);
	int (*module_new_from_lookup)(struct kmod_ctx *ctx, const char *alias,
				      struct kmod_list **list);
	struct kmod_module *(*module_get_module)(const struct kmod_list *entry);
	struct kmod_module *(*module_unref)(struct kmod_module *module);
	int (*module_unref_list)(struct kmod_list *list);
	int (*module_probe_insert_module)(struct kmod_module *module, unsigned int flags,
					  const char *options,
					  int (*run)(struct kmod_module *, const char *, void *),
					  const void *data,
					  void (*print)(struct kmod_module *, bool, const char *));
	int (*module_get_info)(const struct kmod_module *module, struct kmod_list **list);
	const char *(*module_info_get_key)(const struct kmod_list *entry);
	const char *(*module_info_get_value)(const struct kmod_list *entry);
	void (*module_info_free_list)(struct kmod_list *list);
	struct kmod_list *(*list_next)(const struct kmod_list *list, const struct kmod_list *entry);
};

#define SYMBOL(name)                                          \
	{                                                     \
		"kmod_" #name, offsetof(struct library, name) \
	}

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	SYMBOL(new),
	SYMBOL(unref),
	SYMBOL(set_log_fn),
	SYMBOL(module_new_from_lookup),
	SYMBOL(module_get_module),
	SYMBOL(module_unref),
	SYMBOL(module_unref_list),
	SYMBOL(module_probe_insert_module),
	SYMBOL(module_get_info),
	SYMBOL(module_info_get_key),
	SYMBOL(module_info_get_value),
	SYMBOL(module_info_free_list),
	SYMBOL(list_next),
};

struct kmod {
	struct library kmod;
	void *handle;
	struct kmod_ctx *ctx;
	struct kmod_module *module; /* NULL: not installed */
	char **parameters;
	size_t parameters_n;
};

static bool find_symbols(struct kmod *m)
{
	size_t i;

	for (i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *symbol = dlsym(m->handle, symbols[i].name);

		if (!symbol)
			return false;
		memcpy((char *)&m->kmod + symbols[i].offset, &symbol, sizeof(symbol));
	}
	return true;
}

/* The caller says what has failed. */
static void log_nothing(void *data, int priority, const char *file, int line, const char *function,
			const char *format, va_list args)
{
	(void)data;
	(void)priority;
	(void)file;
	(void)line;
	(void)function;
	(void)format;
	(void)args;
}

/* "parm" is NAME:DESCRIPTION. */
static void read_parameters(struct kmod *m)
{
	struct kmod_list *list = NULL, *entry;

	if (m->kmod.module_get_info(m->module, &list) < 0)
		return;
	for (entry = list; entry; entry = m->kmod.list_next(list, entry)) {
		const char *value = m->kmod.module_info_get_value(entry);

		if (strcmp(m->kmod.module_info_get_key(entry), "parm") != 0)
			continue;
		m->parameters = xgrow(m->parameters, m->parameters_n, sizeof(*m->parameters));
		m->parameters[m->parameters_n++] = xstrndup(value, strcspn(value, ":"));
	}
	m->kmod.module_info_free_list(list);
}

struct kmod *kmod_open(const char *name)
{
	struct kmod *m = xcalloc(1, sizeof(*m));
	struct kmod_list *list = NULL;

	m->handle = dlopen("libkmod.so.2", RTLD_NOW | RTLD_LOCAL);
	if (m->handle && find_symbols(m))
		m->ctx = m->kmod.new(NULL, NULL);
	if (m->ctx)
		m->kmod.set_log_fn(m->ctx, log_nothing, NULL);
	if (!m->ctx || m->kmod.module_new_from_lookup(m->ctx, name, &list) < 0) {
		kmod_close(m);
		return NULL;
	}
	if (list) {
		m->module = m->kmod.module_get_module(list);
		m->kmod.module_unref_list(list);
		read_parameters(m);
	}
	return m;
}

void kmod_close(struct kmod *m)
{
	size_t i;

	if (!m)
		return;
	if (m->module)
		m->kmod.module_unref(m->module);
	if (m->ctx)
		m->kmod.unref(m->ctx);
	if (m->handle)
		dlclose(m->handle);
	for (i = 0; i < m->parameters_n; i++)
		free(m->parameters[i]);
	free(m->parameters);
	free(m);
}

bool kmod_installed(const struct kmod *m)
{
	return m->module;
}

bool kmod_has_parameter(const struct kmod *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->parameters_n; i++)
		if (!strcmp(m->parameters[i], name))
			return true;
	return !m->parameters_n;
}

int kmod_load(struct kmod *m)
{
	return m->kmod.module_probe_insert_module(m->module, 0, NULL, NULL, NULL, NULL);
}
