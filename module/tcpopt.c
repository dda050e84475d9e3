// SPDX-License-Identifier: GPL-2.0
/* The options of a TCP header, RFC 9293, 3.1 and 3.2. */
#include "tcpopt.h"

#define CHATDNAT_TCPOPT_END	0
#define CHATDNAT_TCPOPT_NOP	1
#define CHATDNAT_TCPOPT_MSS	2
#define CHATDNAT_TCPOPT_MSS_LEN	4

/* An option's length; 0 where it is malformed or the list has ended. */
static size_t chatdnat_tcpopt_len(const u8 *options, size_t len, size_t at)
{
	size_t room = len - at;

	switch (options[at]) {
	case CHATDNAT_TCPOPT_END:
		return 0;
	case CHATDNAT_TCPOPT_NOP:
		return 1;
	}

	if (room < 2 || options[at + 1] < 2 || options[at + 1] > room)
		return 0;
	if (options[at] == CHATDNAT_TCPOPT_MSS &&
	    options[at + 1] != CHATDNAT_TCPOPT_MSS_LEN)
		return 0;
	return options[at + 1];
}

/**
 * chatdnat_tcpopt_valid() - whether a list of options is well-formed
 * @options: the list
 * @len: its length in bytes
 *
 * Context: Any; on the packet path.
 */
bool chatdnat_tcpopt_valid(const u8 *options, size_t len)
{
	size_t at = 0, step;

	while (at < len && options[at] != CHATDNAT_TCPOPT_END) {
		step = chatdnat_tcpopt_len(options, len, at);
		if (!step)
			return false;
		at += step;
	}
	return true;
}

/**
 * chatdnat_tcpopt_next_mss() - find a maximum segment size option
 * @options: a well-formed list
 * @len: its length in bytes
 * @from: where an option begins: 0, or right behind one
 *
 * Context: Any; on the packet path.
 * Return: Where the first one at or behind @from begins; @len when there is
 * none.
 */
size_t chatdnat_tcpopt_next_mss(const u8 *options, size_t len, size_t from)
{
	size_t at = from, step;

	while (at < len && options[at] != CHATDNAT_TCPOPT_MSS) {
		step = chatdnat_tcpopt_len(options, len, at);
		if (!step)
			return len;
		at += step;
	}
	return at;
}
