// SPDX-License-Identifier: GPL-2.0
/* Text, memory, locks and parameters, as include/kernel.h promises them. */
#include "kernel.h"

#include <stdio.h>

#include "fuzz.h"

unsigned int fuzz_alloc_fails;

uint8_t *fuzz_copy(const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	CHECK(copy);
	if (size)
		memcpy(copy, bytes, size);
	return size ? copy : realloc(copy, 1);
}

void *fuzz_alloc(size_t size)
{
	if (fuzz_alloc_fails && !--fuzz_alloc_fails)
		return NULL;
	return malloc(size);
}

void mutex_lock(struct mutex *mutex)
{
	CHECK(!mutex->held);
	mutex->held = true;
}

void mutex_unlock(struct mutex *mutex)
{
	CHECK(mutex->held);
	mutex->held = false;
}

bool fuzz_held(const struct mutex *mutex)
{
	return mutex->held;
}

static const struct kernel_param *params[32];

void fuzz_param(const struct kernel_param *param)
{
	size_t i;

	for (i = 0; params[i]; i++)
		;
	CHECK(i + 1 < ARRAY_SIZE(params));
	params[i] = param;
}

const struct kernel_param *fuzz_param_named(const char *name, size_t len)
{
	size_t i;

	for (i = 0; params[i]; i++)
		if (strlen(params[i]->name) == len && !memcmp(params[i]->name, name, len))
			return params[i];
	return NULL;
}

struct out {
	char *buf;
	size_t size, len;
};

static void put(struct out *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len++] = c;
}

static void put_text(struct out *out, const char *text)
{
	while (*text)
		put(out, *text++);
}

static void put_number(struct out *out, unsigned long long number, unsigned int base)
{
	char digits[24], *at = digits + sizeof(digits);

	*--at = '\0';
	do {
		*--at = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	put_text(out, at);
}

/* All flags of string_escape_mem() that %pE has by itself: special bytes get a name or a number. */
static void put_escaped(struct out *out, const char *bytes, int len)
{
	char octal[8];

	for (; len > 0; len--, bytes++) {
		unsigned char c = (unsigned char)*bytes;

		if (c >= ' ' && c < 0x7f && c != '\\' && c != '"') {
			put(out, *bytes);
			continue;
		}
		snprintf(octal, sizeof(octal), "\\%03o", c);
		put_text(out, octal);
	}
}

static void print(struct out *out, const char *format, va_list ap)
{
	int precision, number;

	for (; *format; format++) {
		if (*format != '%') {
			put(out, *format);
			continue;
		}
		format++;
		precision = 0;
		if (*format == '*') {
			precision = va_arg(ap, int);
			format++;
		}
		switch (*format) {
		case '%':
			put(out, '%');
			break;
		case 's':
			put_text(out, va_arg(ap, const char *));
			break;
		case 'u':
			put_number(out, va_arg(ap, unsigned int), 10);
			break;
		case 'x':
			put_number(out, va_arg(ap, unsigned int), 16);
			break;
		case 'd':
			number = va_arg(ap, int);
			if (number < 0)
				put(out, '-');
			put_number(out, number < 0 ? -(long long)number : number, 10);
			break;
		case 'p':
			CHECK(format[1] == 'E');
			format++;
			put_escaped(out, va_arg(ap, const char *), precision);
			break;
		default:
			CHECK(!"a conversion that include/kernel.h knows");
		}
	}
}

/* The kernel's warns and writes nothing where there is no room at all. */
int scnprintf(char *buf, size_t size, const char *format, ...)
{
	struct out out = { .buf = buf, .size = size };
	va_list ap;

	CHECK(size && size <= INT32_MAX);
	va_start(ap, format);
	print(&out, format, ap);
	va_end(ap);
	buf[out.len] = '\0';
	return (int)out.len;
}

void fuzz_log(const char *format, ...)
{
	char line[1024];
	struct out out = { .buf = line, .size = sizeof(line) };
	va_list ap;

	va_start(ap, format);
	print(&out, format, ap);
	va_end(ap);
	CHECK(out.len && line[out.len - 1] == '\n');
}
