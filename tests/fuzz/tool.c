// SPDX-License-Identifier: GPL-2.0
#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#define FILES_MAX 64

int LLVMFuzzerInitialize(int *argc, char ***argv);

int __real_open(const char *path, int flags, ...);
FILE *__real_fopen(const char *path, const char *mode);
int __real_access(const char *path, int mode);
DIR *__real_opendir(const char *path);
struct dirent *__real_readdir(DIR *dir);
int __real_closedir(DIR *dir);
int __real_socket(int domain, int type, int protocol);

int __wrap_open(const char *path, int flags, ...);
FILE *__wrap_fopen(const char *path, const char *mode);
int __wrap_access(const char *path, int mode);
DIR *__wrap_opendir(const char *path);
struct dirent *__wrap_readdir(DIR *dir);
int __wrap_closedir(DIR *dir);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_fprintf(FILE *stream, const char *format, ...);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list);
int __wrap_netlink_request(int bus, struct nlmsghdr *request, mnl_cb_t cb, void *data);

struct file {
	const char *path, *text;
	size_t path_len, len;
};

bool host_complained;

static bool inside;
static struct file files[FILES_MAX];
static size_t files_n, opened_n;
static int opened[512];
static struct input answers;
static char printed[1 << 20];

/* libFuzzer itself only writes to stderr. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int fd = memfd_create("stdout", MFD_CLOEXEC);

	(void)argc;
	(void)argv;
	CHECK(fd >= 0 && dup2(fd, STDOUT_FILENO) == STDOUT_FILENO);
	close(fd);
	return 0;
}

void host_begin(const char *text, size_t len)
{
	const char *end = text + len, *next, *stop;

	files_n = opened_n = 0;
	for (; text < end && files_n < FILES_MAX; text = next) {
		struct file *file = &files[files_n];

		stop = memchr(text, '\n', (size_t)(end - text));
		stop = stop ? stop : end;
		file->path = text + 1;
		file->path_len = (size_t)(stop - text - 1);
		file->text = stop < end ? stop + 1 : end;
		next = file->text < end && *file->text == '@' ? file->text - 1 :
								memmem(file->text, (size_t)(end - file->text), "\n@", 2);
		next = next ? next + 1 : end;
		file->len = (size_t)(next - file->text);
		if (*text == '@')
			files_n++;
	}
	answers = (struct input){ 0 };
	host_complained = false;
	inside = true;
}

void host_answers(const struct input *input)
{
	answers = *input;
}

const char *host_end(void)
{
	ssize_t len;

	inside = false;
	while (opened_n)
		close(opened[--opened_n]);
	CHECK(!fflush(stdout));
	len = pread(STDOUT_FILENO, printed, sizeof(printed) - 1, 0);
	CHECK(len >= 0 && !ftruncate(STDOUT_FILENO, 0) && !lseek(STDOUT_FILENO, 0, SEEK_SET));
	printed[len] = '\0';
	return printed;
}

static const struct file *named(const char *path)
{
	size_t i;

	for (i = 0; i < files_n; i++)
		if (strlen(path) == files[i].path_len && !memcmp(path, files[i].path, files[i].path_len))
			return &files[i];
	return NULL;
}

/* Whether there is a file below. */
static bool directory(const char *path)
{
	size_t i, len = strlen(path);

	for (i = 0; i < files_n; i++)
		if (files[i].path_len > len + 1 && !memcmp(path, files[i].path, len) && files[i].path[len] == '/')
			return true;
	return false;
}

int __wrap_open(const char *path, int flags, ...)
{
	const struct file *file = named(path);
	int fd;

	if (!inside) {
		va_list ap;
		int mode;

		va_start(ap, flags);
		mode = va_arg(ap, int);
		va_end(ap);
		return __real_open(path, flags, mode);
	}
	if (!file && !(flags & O_CREAT)) {
		errno = ENOENT;
		return -1;
	}
	fd = memfd_create("file", MFD_CLOEXEC);
	CHECK(fd >= 0 && opened_n < sizeof(opened) / sizeof(opened[0]));
	opened[opened_n++] = fd;
	if (file && (flags & O_ACCMODE) == O_RDONLY)
		CHECK(pwrite(fd, file->text, file->len, 0) == (ssize_t)file->len);
	return fd;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	const struct file *file = inside ? named(path) : NULL;

	if (!inside)
		return __real_fopen(path, mode);
	if (!file) {
		errno = ENOENT;
		return NULL;
	}
	return file->len ? fmemopen((void *)file->text, file->len, "r") : __real_fopen("/dev/null", "re");
}

int __wrap_access(const char *path, int mode)
{
	if (!inside)
		return __real_access(path, mode);
	errno = ENOENT;
	return named(path) || directory(path) ? 0 : -1;
}

struct listing {
	size_t at, len;
	struct dirent entry;
	char path[];
};

DIR *__wrap_opendir(const char *path)
{
	struct listing *listing;

	if (!inside)
		return __real_opendir(path);
	if (!directory(path)) {
		errno = ENOENT;
		return NULL;
	}
	listing = calloc(1, sizeof(*listing) + strlen(path) + 1);
	CHECK(listing);
	listing->len = strlen(path);
	memcpy(listing->path, path, listing->len);
	return (DIR *)listing;
}

struct dirent *__wrap_readdir(DIR *dir)
{
	struct listing *listing = (struct listing *)dir;

	if (!inside)
		return __real_readdir(dir);
	while (listing->at < files_n) {
		const struct file *file = &files[listing->at++];
		const char *name = file->path + listing->len + 1, *slash;
		size_t len = file->path_len - listing->len - 1;

		if (file->path_len <= listing->len + 1 || memcmp(file->path, listing->path, listing->len) != 0 ||
		    file->path[listing->len] != '/')
			continue;
		slash = memchr(name, '/', len);
		len = slash ? (size_t)(slash - name) : len;
		if (!len || len >= sizeof(listing->entry.d_name) || memchr(name, '\0', len))
			continue;
		memset(listing->entry.d_name, 0, sizeof(listing->entry.d_name));
		memcpy(listing->entry.d_name, name, len);
		return &listing->entry;
	}
	return NULL;
}

int __wrap_closedir(DIR *dir)
{
	if (!inside)
		return __real_closedir(dir);
	free(dir);
	return 0;
}

int __wrap_socket(int domain, int type, int protocol)
{
	if (!inside)
		return __real_socket(domain, type, protocol);
	errno = EACCES;
	return -1;
}

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)list;
	return EAI_AGAIN;
}

/* What the tool says on stderr is looked at like what it prints. */
int __wrap_fprintf(FILE *stream, const char *format, ...)
{
	va_list ap;
	int len;

	host_complained |= inside && stream == stderr;
	va_start(ap, format);
	len = vfprintf(inside && stream == stderr ? stdout : stream, format, ap);
	va_end(ap);
	return len;
}

/* The header that each message of a bus has at least. */
static size_t least(int bus)
{
	return bus == NETLINK_NETFILTER || bus == NETLINK_GENERIC ? 4 : 0;
}

static int answer(int bus, const struct nlmsghdr *request, mnl_cb_t cb, void *data)
{
	size_t len = take_u16(&answers), payload;
	struct nlmsghdr *nlh;
	int ret;

	len = len < answers.left ? len : answers.left;
	payload = len < least(bus) ? least(bus) : len;
	/* Whole words, like all of the kernel's. */
	payload = MNL_ALIGN(payload);
	nlh = calloc(1, sizeof(*nlh) + payload);
	CHECK(nlh);
	nlh->nlmsg_len = (uint32_t)(sizeof(*nlh) + payload);
	/* RTM_GET... asks for RTM_NEW..., two before it. */
	nlh->nlmsg_type = (uint16_t)(request->nlmsg_type - (bus == NETLINK_ROUTE ? 2 : 0));
	if (len)
		memcpy(nlh + 1, answers.at, len);
	answers.at += len;
	answers.left -= len;
	ret = cb(nlh, data);
	free(nlh);
	return ret;
}

/* The first byte: how many messages there are, or which error there is. */
int __wrap_netlink_request(int bus, struct nlmsghdr *request, mnl_cb_t cb, void *data)
{
	uint8_t n = take_u8(&answers);

	CHECK(request->nlmsg_len >= sizeof(*request));
	if (n >= 0xf0)
		return -(n - 0xf0 + 1);
	while (n-- && answers.left && answer(bus, request, cb, data) > MNL_CB_STOP)
		;
	return 0;
}
