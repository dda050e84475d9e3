/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_MEM_H
#define CHATDNATCTL_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* These end the program when there is no memory: no command can continue without. */
void *xcalloc(size_t n, size_t size);
void *xgrow(void *array, size_t n, size_t size); /* room for one more than n */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xvasprintf(const char *format, va_list ap) __attribute__((format(printf, 1, 0)));
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
