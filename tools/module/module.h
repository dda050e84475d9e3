/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_MODULE_H
#define CHATDNATCTL_MODULE_H

#include "config.h"

#define MODULE_DIR "/sys/module/chatdnat"
#define MODULE_PARAMS MODULE_DIR "/parameters"
#define MODULE_CONFIG MODULE_PARAMS "/config"
#define MODULE_ERROR MODULE_DIR "/last_error"
#define MODULE_VERSION MODULE_DIR "/version"
#define MODULE_ENGINES MODULE_DIR "/engines"
#define MODULE_FASTPATH MODULE_DIR "/fastpath"

struct module {
	char *version;	  /* NULL: the module does not say */
	char *last_error; /* NULL: an older module has none */
	bool has_config;  /* an older module may lack the parameter `config` */
	struct config config;
};

bool module_loaded(void);

/* Says on stderr that the module is not loaded and how to load it. */
void module_explain_absence(void);

/* False, after an error message, if the module is not loaded. */
bool module_read(struct module *module);

/* The same; waits for the lock first, to change or save the settings. */
bool module_open(struct module *module, bool change);

void module_free(struct module *module);

/* A single parameter; NULL and errno if there is none. */
char *module_parameter(const char *name);

/*
 * Writes one parameter. On refusal prints the reason, that of the kernel if there is one, and
 * returns false.
 */
bool module_write(const char *name, const char *value);

/*
 * The same, but leaves it to the caller to print the kernel's reason, if there is one. To be freed; NULL if something
 * else was printed.
 */
bool module_try(const char *name, const char *value, char **reason);

#endif
