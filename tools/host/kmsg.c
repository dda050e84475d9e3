// SPDX-License-Identifier: GPL-2.0
#include "kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/mem.h"
#include "../lib/text.h"

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

char *kmsg_complaint(int fd, const char *prefix)
{
	/* One read is one record: "priority,sequence,time,flags;text". */
	char record[8192], *said = NULL;

	while (fd >= 0 && !said) {
		ssize_t n = read(fd, record, sizeof(record) - 1);
		char *text;

		/* The oldest record was overwritten: the next read continues with the one after it. */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text || (strtol(record, NULL, 10) & 7) > 3 ||
		    strncmp(++text, prefix, strlen(prefix)) != 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		said = xstrdup(text + strlen(prefix));
	}
	return said;
}

void kmsg_write(const char *format, ...)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char *text, *clean, *line;
	va_list ap;

	if (fd < 0)
		return;
	va_start(ap, format);
	text = xvasprintf(format, ap);
	va_end(ap);
	clean = text_clean(text);
	line = xasprintf("<5>chatdnatctl: %s\n", clean);
	while (write(fd, line, strlen(line)) < 0 && errno == EINTR)
		;
	free(line);
	free(clean);
	free(text);
	close(fd);
}
