// SPDX-License-Identifier: GPL-2.0
#include "module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../host/directory.h"
#include "../host/sysfs.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "boot.h"
#include "dkms.h"
#include "kernel_log.h"
#include "lock.h"
#include "saved.h"

static const char *const setting_order[] = {
	"wan", "v4",	"v6",	   "ports",   "scope", "masquerade", "guard",  "allow", "mss",
	"via", "stale", "enabled", "hairpin", "log",   "fast",	     "engine", NULL,
};

bool module_loaded(void)
{
	return access(MODULE_DIR, F_OK) == 0;
}

/* Whether depmod's index has the module for the running kernel: yes, no, or unknown. */
static int installed_for(const char *release)
{
	char *path = xasprintf("/lib/modules/%s/modules.dep", release), *line = NULL;
	FILE *f = fopen(path, "re");
	size_t size = 0;
	int found = f ? 0 : -1;

	while (f && !found && getline(&line, &size, f) >= 0) {
		line[strcspn(line, ":")] = '\0';
		found = strstr(line, "/chatdnat.ko") != NULL;
	}
	if (f)
		fclose(f);
	free(line);
	free(path);
	return found;
}

/* After a boot: the unit's log has modprobe's output. */
static void explain_unit(const char *release, bool installed)
{
	char *dkms = installed ? NULL : dkms_version(), *log = dkms ? dkms_log(dkms, release) : NULL;
	char *why = installed ? boot_refusal() : NULL;

	if (!installed)
		error("the module is not loaded: " BOOT_UNIT
		      " has failed, as none is installed for the running kernel %s%s%s; "
		      "chatdnatctl check says what to do, then: systemctl restart chatdnat",
		      release, log ? ", for which DKMS could not build it, see " : "",
		      log ? log : "");
	else
		error("the module is not loaded: " BOOT_UNIT
		      " has failed%s%s; see: journalctl -b -u chatdnat; then: "
		      "systemctl restart chatdnat",
		      why ? ": the kernel refused it: " : "", why ? why : "");
	if (boot_closed())
		error("until then " CLOSED_UNIT " keeps this host closed: nothing is forwarded");
	free(why);
	free(log);
	free(dkms);
}

/* "FILE, line N, was refused: REASON"; NULL if the saved settings were not refused. */
static char *refusal(const struct config *saved)
{
	const struct setting *setting;
	struct kernel_log log;
	char *text = NULL;

	kernel_log_read(&log);
	setting = kernel_log_refused(&log, saved);
	if (setting)
		text = xasprintf("%s, line %u, was refused: %s", setting->file, setting->line,
				 log.refusal);
	kernel_log_free(&log);
	return text;
}

void module_explain_absence(void)
{
	struct utsname kernel = { 0 };
	struct config saved = { 0 };
	char *why = NULL;
	bool installed = uname(&kernel) < 0 || installed_for(kernel.release) != 0,
	     is_saved = saved_read(&saved) > 0;

	if (is_saved && boot_unit_enabled() && !boot_unit_active()) {
		explain_unit(kernel.release, installed);
	} else if (!installed) {
		error("the module is not loaded, and none is installed for the running kernel %s; build and install it, "
		      "then: modprobe chatdnat",
		      kernel.release);
	} else if (is_saved && (why = refusal(&saved))) {
		error("the module is not loaded: %s; correct it, then: modprobe chatdnat", why);
	} else if (is_saved) {
		error("the module is not loaded; load it with the saved configuration: modprobe chatdnat");
	} else {
		error("the module is not loaded; load it: modprobe chatdnat wan=INTERFACE v4=ADDRESS v6=ADDRESS");
	}
	free(why);
	config_free(&saved);
}

static char *parameter_path(const char *name)
{
	return xasprintf(MODULE_PARAMS "/%s", name);
}

char *module_parameter(const char *name)
{
	char *path, *value;

	if (!*name || *name == '.' || strchr(name, '/')) {
		errno = ENOENT;
		return NULL;
	}
	path = parameter_path(name);
	value = sysfs_read(path);
	free(path);
	return value;
}

static void read_parameters(struct config *config)
{
	size_t n, i;
	char **names = directory_names(MODULE_PARAMS, setting_order, &n);

	for (i = 0; i < n; i++) {
		char *value = module_parameter(names[i]);

		if (value)
			config_append(config, names[i], value);
		free(value);
	}
	names_free(names, n);
}

static bool present(void)
{
	if (module_loaded())
		return true;
	module_explain_absence();
	return false;
}

bool module_open(struct module *module, bool change)
{
	/* Without the lock, the error may still be that the module is not loaded. */
	return present() && (!change || lock_take()) && module_read(module);
}

bool module_read(struct module *module)
{
	char *line;

	*module = (struct module){ 0 };
	if (!present())
		return false;
	module->version = sysfs_read(MODULE_VERSION);
	module->last_error = sysfs_read(MODULE_ERROR);
	line = sysfs_read(MODULE_CONFIG);
	if (line) {
		module->has_config = true;
		config_parse(&module->config, line);
		free(line);
	} else if (errno == ENOENT) {
		read_parameters(&module->config);
	} else {
		error("cannot read %s: %s", MODULE_CONFIG, strerror(errno));
		module_free(module);
		return false;
	}
	return true;
}

void module_free(struct module *module)
{
	free(module->version);
	free(module->last_error);
	config_free(&module->config);
	*module = (struct module){ 0 };
}

bool module_try(const char *name, const char *value, char **reason)
{
	char *path = parameter_path(name);
	int err = sysfs_write(path, value);

	free(path);
	*reason = NULL;
	if (!err)
		return true;
	if (err == -EACCES || err == -EPERM) {
		error("%s: needs root", name);
	} else if (err == -ENOENT) {
		error("%s: this version of the module has no such setting", name);
	} else if (err == -EMSGSIZE) {
		error("%s: %zu bytes are more than the kernel accepts in one write", name,
		      strlen(value));
	} else if (err == -ENODEV) {
		error("%s: the module is being unloaded", name);
	} else {
		*reason = sysfs_read(MODULE_ERROR);
		if (*reason && **reason)
			return false;
		free(*reason);
		*reason = NULL;
		error("%s: %s", name, strerror(-err));
	}
	return false;
}

bool module_write(const char *name, const char *value)
{
	char *reason;
	bool done = module_try(name, value, &reason);

	if (reason)
		error("refused: %s", reason);
	free(reason);
	return done;
}
