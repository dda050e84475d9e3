// SPDX-License-Identifier: GPL-2.0
#include "checks_kernels.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/debian.h"
#include "../host/sysfs.h"
#include "../module/boot.h"
#include "../module/dkms.h"
#include "../module/saved.h"

static bool another_has_it(const struct kernels *kernels, const struct kernel *without)
{
	size_t i;

	for (i = 0; i < kernels->n; i++)
		if (&kernels->v[i] != without && kernels->v[i].indexed)
			return true;
	return false;
}

static void fix_kernel(struct findings *f, const struct kernels *kernels, const struct kernel *k,
		       const char *dkms)
{
	const char *release = word(f, k->release);

	if (!k->headers && on_debian())
		fix(f, "apt install linux-headers-%s", release);
	else if (!k->headers)
		fix(f, "dnf install kernel-devel-%s    # or the package that has the headers",
		    release);
	/* `dkms autoinstall` succeeds silently if it need not build. */
	if (dkms)
		fix(f, "dkms install chatdnat/%s -k %s", word(f, dkms), release);
	else
		fix(f, "make install KVER=%s    # in the source directory", release);
	if (k->newest && !k->running && on_debian() && another_has_it(kernels, k))
		fix(f,
		    "apt remove 'linux-*-%s'    # or this, to keep the kernel that has the module",
		    release);
}

static void add_missing(struct findings *f, const struct kernels *kernels, const struct kernel *k)
{
	char *dkms = dkms_version(), *log = dkms ? dkms_log(dkms, k->release) : NULL;

	finding(f, k->newest ? PROBLEM : WARNING, "not-built",
		"There is no module for the installed kernel %s%s%s%s%s.", k->release,
		k->running ? ", which is running" : "",
		k->newest ? ", the newest: mail stops when it boots" : "",
		log ? ". DKMS could not build it, see " : "", log ? log : "");
	fix_kernel(f, kernels, k, dkms);
	free(log);
	free(dkms);
}

void check_kernels(struct findings *f, const struct kernels *kernels)
{
	size_t i;

	check_begin(f, "kernels");
	if (!kernels->n) {
		skipped(f, "No installed kernels are found below /lib/modules.");
		return;
	}
	for (i = 0; i < kernels->n; i++) {
		const struct kernel *k = &kernels->v[i];

		if (k->file && !k->indexed) {
			finding(f, k->newest ? PROBLEM : WARNING, "not-indexed",
				"The module for kernel %s is installed, but modprobe does not find it.",
				k->release);
			fix(f, "depmod %s", word(f, k->release));
		} else if (!k->file) {
			add_missing(f, kernels, k);
		}
	}
	check_end(f, "The module is installed for %s.",
		  kernels->n == 1 ? "the installed kernel" : "each of the installed kernels");
}

/* The file that lists the module for loading at boot if no unit does: for systemd, Debian without it, OpenWrt. */
static const char *autoload_file(void)
{
	char *modules = sysfs_read("/etc/modules"), *line, *rest = modules;
	bool listed = false;

	while (rest && (line = strsep(&rest, "\n"))) {
		line[strcspn(line, " \t")] = '\0';
		listed = listed || strcmp(line, "chatdnat") == 0;
	}
	free(modules);
	if (access(SAVED_LOAD, F_OK) == 0)
		return SAVED_LOAD;
	if (access("/etc/modules.d/chatdnat", F_OK) == 0)
		return "/etc/modules.d/chatdnat";
	return listed ? "/etc/modules" : NULL;
}

static void check_unit(struct findings *f, const struct state *state)
{
	char *why;

	if (!state->loaded && !boot_unit_active()) {
		why = boot_refusal();
		finding(f, PROBLEM, "unit-failed",
			BOOT_UNIT " has not loaded the module%s%s. Its log has the reason.",
			why ? ": the kernel refused it: " : "", why ? why : "");
		fix(f, "journalctl -b -u chatdnat");
		fix(f, "systemctl restart chatdnat    # when that is fixed");
		free(why);
	}
	check_end(f, BOOT_UNIT " loads the module at boot.");
}

void check_boot(struct findings *f, const struct state *state)
{
	const char *file = autoload_file();

	check_begin(f, "boot");
	if (state->saved_found <= 0) {
		skipped(f, "Nothing is saved that could be loaded at boot.");
	} else if (boot_unit_enabled()) {
		check_unit(f, state);
	} else if (!file) {
		finding(f, WARNING, "not-at-boot",
			"The configuration is saved, but nothing loads the module at boot: %s.",
			boot_unit_installed() ? BOOT_UNIT " is not enabled" :
						SAVED_LOAD " is missing");
		fix(f, boot_unit_installed() ? "systemctl enable chatdnat" :
					       "echo chatdnat >" SAVED_LOAD);
	}
	check_end(f, "%s lists the module for loading at boot.", file);
}
