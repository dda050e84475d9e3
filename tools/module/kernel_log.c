// SPDX-License-Identifier: GPL-2.0
#include "kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/directory.h"
#include "../lib/mem.h"
#include "../lib/text.h"

#define KMSG "/dev/kmsg"
#define PREFIX "chatdnat: "

enum { ERROR = 3, WARNING_LEVEL = 4 };

/* The next record of the module's, without the prefix, and its level. NULL at the end. To be freed. */
static char *next(int fd, int *level)
{
	/* One read is one record: "priority,sequence,time,flags;text". */
	char record[8192], *text;
	long priority;
	ssize_t n;

	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		/* The oldest record was overwritten: the next read continues with the one after it. */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			return NULL;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text || strncmp(++text, PREFIX, strlen(PREFIX)) != 0)
			continue;
		/* Messages of programs have another facility than the kernel's own, 0. */
		priority = strtol(record, NULL, 10);
		if (priority >> 3)
			continue;
		text[strcspn(text, "\n")] = '\0';
		*level = (int)(priority & 7);
		return xstrdup(text + strlen(PREFIX));
	}
}

static void forget(struct kernel_log *log)
{
	free(log->refusal);
	log->refusal = NULL;
	names_free(log->ignored, log->n);
	log->ignored = NULL;
	log->n = 0;
}

/* "unknown parameter 'NAME' ignored", which the kernel logs before the module runs. */
static void take_ignored(struct kernel_log *log, const char *text)
{
	static const char before[] = "unknown parameter '", after[] = "' ignored";
	size_t len = strlen(text), around = strlen(before) + strlen(after);

	if (len < around || strncmp(text, before, strlen(before)) != 0 ||
	    strcmp(text + len - strlen(after), after) != 0)
		return;
	log->ignored = xgrow(log->ignored, log->n, sizeof(*log->ignored));
	log->ignored[log->n++] = xstrndup(text + strlen(before), len - around);
}

static bool begins_with(const char *text, const char *word)
{
	return !strncmp(text, word, strlen(word));
}

void kernel_log_read(struct kernel_log *log)
{
	bool loaded = false;
	char *text;
	int level, fd = open(KMSG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	*log = (struct kernel_log){ .err = fd < 0 ? -errno : 0 };
	while (fd >= 0 && (text = next(fd, &level))) {
		if (begins_with(text, "unloaded")) {
			forget(log);
			loaded = false;
		} else if (begins_with(text, "version ")) {
			free(log->refusal);
			log->refusal = NULL;
			loaded = true;
		} else if (level <= ERROR && !loaded) {
			/* After the module's own words, the kernel's: "`VALUE' invalid for parameter `NAME'". */
			if (*text != '`' || !log->refusal) {
				forget(log);
				log->refusal = xstrdup(text);
			}
		} else {
			take_ignored(log, text);
		}
		free(text);
	}
	if (fd >= 0)
		close(fd);
}

void kernel_log_free(struct kernel_log *log)
{
	forget(log);
}

/* Whether the text is the value, or a part of it between separators. */
static bool has_element(const char *value, const char *text)
{
	static const char separators[] = ",@/-";
	const char *at = value;
	size_t len = strlen(text);

	while (len && (at = strstr(at, text))) {
		bool begins = at == value || strchr(separators, at[-1]);

		if (begins && (!at[len] || strchr(separators, at[len])))
			return true;
		at++;
	}
	return !len && !*value;
}

const struct setting *kernel_log_refused(const struct kernel_log *log, const struct config *saved)
{
	/* "v4: 'text': expected ...", "config: v4: 'text': ..." */
	const char *end = log->refusal ? strstr(log->refusal, ": '") : NULL;
	const char *quote = end ? end + 3 : NULL, *close = quote ? strstr(quote, "': ") : NULL;
	const struct setting *s;
	char *name, *text;

	if (!close)
		return NULL;
	name = xstrndup(log->refusal, (size_t)(end - log->refusal));
	text = xstrndup(quote, (size_t)(close - quote));
	s = config_find(saved, strrchr(name, ' ') ? strrchr(name, ' ') + 1 : name);
	if (s && (!s->file || !has_element(s->value ? s->value : "", text)))
		s = NULL;
	free(text);
	free(name);
	return s;
}

int kernel_log_end(void)
{
	int fd = open(KMSG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

char *kernel_log_refusal(int fd)
{
	char *text;
	int level;

	while (fd >= 0 && (text = next(fd, &level))) {
		if (level <= ERROR)
			return text;
		free(text);
	}
	return NULL;
}

void kernel_log_warnings(int fd)
{
	char *text;
	int level;

	while (fd >= 0 && (text = next(fd, &level))) {
		/* "loading out-of-tree module taints kernel" is the kernel's, of every module like this. */
		if (level == WARNING_LEVEL && !strstr(text, "taint"))
			error("the module warns: %s", text);
		free(text);
	}
	if (fd >= 0)
		close(fd);
}
