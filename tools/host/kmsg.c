// SPDX-License-Identifier: GPL-2.0
#include "kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/mem.h"
#include "../lib/text.h"

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
