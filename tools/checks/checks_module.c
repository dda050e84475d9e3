// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/container.h"
#include "../host/sysfs.h"
#include "../lib/mem.h"
#include "../lib/version.h"
#include "../module/boot.h"
#include "../module/saved.h"
#include "checks_kernels.h"
#include "checks_saved.h"

#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define RULES_INSTEAD "docs/nftables.md"

static void check_loading(struct findings *f, const struct state *state)
{
	char *why = loading_impossible();

	check_begin(f, "loading");
	if (why && state->loaded)
		finding(f, NOTE, "no-modules",
			"The module is loaded, but could not be loaded again: this machine cannot load modules: %s.",
			why);
	else if (why)
		finding(f, PROBLEM, "no-modules",
			"This machine cannot load modules: %s. " RULES_INSTEAD
			" has nftables rules that do the same without a module.",
			why);
	if (why)
		fix(f, "nft -f chatdnat.nft    # the rules from " RULES_INSTEAD);
	check_end(f, "This machine can load modules.");
	free(why);
}

static void check_absent(struct findings *f, const struct state *state)
{
	const struct setting *refused = refused_setting(state);
	char *why = refused ? xasprintf(": %s, line %u, was refused: %s", refused->file,
					refused->line, state->log.refusal) :
			      xstrdup("");

	finding(f, PROBLEM, "not-loaded", "The module is not loaded%s%s%s.", why,
		boot_closed() ? ", and " CLOSED_UNIT " keeps this host closed" : "",
		state->saved_found > 0 ? "; what follows is about the saved configuration" : "");
	free(why);
	if (refused)
		fix_edit(f, refused);
	if (state->saved_found > 0)
		fix(f, boot_unit_enabled() ? "systemctl restart chatdnat" : "modprobe chatdnat");
	else
		fix(f, "modprobe chatdnat wan=INTERFACE v4=ADDRESS v6=ADDRESS");
}

/* Whether the next load would lose settings. */
static bool unsaved(const struct state *state)
{
	char *names;
	bool any;

	if (saved_in_uci())
		return false;
	if (state->saved_found <= 0)
		return true;
	names = saved_differences(&state->saved, &state->module.config);
	any = *names;
	free(names);
	return any;
}

static void check_versions(struct findings *f, const struct state *state)
{
	const char *version = state->module.version;

	if (version && !strcmp(version, tool_version))
		return;
	if (version && strverscmp(version, tool_version) > 0) {
		finding(f, NOTE, "versions-differ",
			"chatdnatctl is version %s, older than the loaded module, %s: settings and counters that it does not know "
			"are shown as they are. Update chatdnatctl, or remove the older copy that comes first in PATH.",
			tool_version, version);
		fix(f, "type -a chatdnatctl    # the first one is this");
		return;
	}
	finding(f, NOTE, "versions-differ",
		"The loaded module is %s%s, older than chatdnatctl, %s: after an update the module that was loaded before stays "
		"until it is loaded again, which ends live connections.%s",
		version ? "version " : "of an unknown version", version ? version : "", tool_version,
		unsaved(state) ?
			" The active settings are not saved, and would be lost: save them first." :
			"");
	if (unsaved(state))
		fix(f, "chatdnatctl save");
	fix(f, "modprobe -r chatdnat && modprobe chatdnat");
}

static void check_loaded(struct findings *f, const struct state *state)
{
	check_begin(f, "module");
	if (!state->loaded) {
		check_absent(f, state);
		return;
	}
	if (boot_closed()) {
		finding(f, PROBLEM, "still-closed",
			"The module is loaded, but " CLOSED_UNIT
			" still keeps this host closed: nothing is forwarded.");
		fix(f, "systemctl stop chatdnat-closed");
	}
	check_versions(f, state);
	check_end(f, "The module is loaded, version %s.", tool_version);
}

/* 1 on, 0 off, -1 unknown: four bytes of attributes, then the value. */
static int secure_boot(void)
{
	unsigned char value[5];
	int fd = open(SECURE_BOOT, O_RDONLY | O_CLOEXEC), on = -1;

	if (fd < 0)
		return access("/sys/firmware/efi", F_OK) == 0 ? -1 : 0;
	if (read(fd, value, sizeof(value)) == (ssize_t)sizeof(value))
		on = value[4] == 1;
	close(fd);
	return on;
}

static bool file_has(const char *path, const char *word)
{
	char *text = sysfs_read(path);
	bool has = text && strstr(text, word);

	free(text);
	return has;
}

static void fix_signature(struct findings *f, const struct kernel *kernel)
{
	bool debian = access("/etc/debian_version", F_OK) == 0;

	if (kernel->signature == UNSIGNED && access("/var/lib/dkms", F_OK) == 0)
		fix(f, "dkms install --force chatdnat/%s -k %s    # signs with DKMS's key",
		    tool_version, word(f, kernel->release));
	else if (kernel->signature == UNSIGNED)
		fix(f, "/lib/modules/%s/build/scripts/sign-file sha256 MOK.priv MOK.der %s",
		    word(f, kernel->release), word(f, kernel->file));
	if (debian || access("/var/lib/dkms/mok.pub", F_OK) == 0)
		fix(f, "mokutil --import /var/lib/dkms/mok.pub    # asks for a password");
	else
		fix(f, "mokutil --import MOK.der    # asks for a password");
	fix(f, "reboot    # and enrol the key (Enroll MOK) with that password");
}

static void check_signature(struct findings *f, const struct state *state,
			    const struct kernels *kernels)
{
	bool enforced = file_has("/sys/module/module/parameters/sig_enforce", "Y") ||
			file_has("/sys/kernel/security/lockdown", "[integrity]") ||
			file_has("/sys/kernel/security/lockdown", "[confidentiality]");
	int secure = secure_boot();
	size_t i;

	check_begin(f, "signature");
	if (!enforced && secure < 0) {
		skipped(f, "The state of Secure Boot is unknown: " SECURE_BOOT " cannot be read.");
		return;
	}
	for (i = 0; (enforced || secure == 1) && i < kernels->n; i++) {
		const struct kernel *k = &kernels->v[i];

		if (!k->file || k->signature == HIDDEN)
			continue;
		if (k->signature == UNSIGNED)
			finding(f, PROBLEM, "unsigned",
				"The kernel accepts signed modules only (Secure Boot), and the module for %s is not signed.",
				k->release);
		else if (!state->loaded && k->running)
			finding(f, WARNING, "key-not-known",
				"The kernel accepts signed modules only (Secure Boot): the key that the module is signed with must be "
				"enrolled.");
		else
			continue;
		fix_signature(f, k);
		return;
	}
	if (!enforced && secure != 1)
		check_end(f, "Signatures are not enforced: Secure Boot is off or absent.");
	else
		check_end(f,
			  "The kernel accepts signed modules only (Secure Boot), and the installed ones are signed.");
}

void check_module(struct findings *f, const struct state *state)
{
	struct kernels kernels;

	kernels_read(&kernels);
	check_loaded(f, state);
	check_loading(f, state);
	check_signature(f, state, &kernels);
	check_kernels(f, &kernels);
	check_boot(f, state);
	kernels_free(&kernels);
}
