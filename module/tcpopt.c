// SPDX-License-Identifier: GPL-2.0
#include "tcpopt.h"

#define CHATDNAT_TCPOPT_END	0
#define CHATDNAT_TCPOPT_NOP	1
#define CHATDNAT_TCPOPT_MSS	2
#define CHATDNAT_TCPOPT_MSS_LEN	4

/**
 * chatdnat_tcpopt_mss_above() - find a maximum segment size that is too large
 * @options: a list of options
 * @len: its length in bytes
 * @from: where an option begins: 0, or right behind one
 * @max: bytes
 *
 * Looks through all of the list from @from on, whatever it finds: what stands
 * in a malformed list is not to be relied on.
 *
 * Context: Any; on the packet path.
 * Return: Where the first size above @max stands; @len when there is none, or
 * when the list is malformed.
 */
size_t chatdnat_tcpopt_mss_above(const u8 *options, size_t len, size_t from,
				 u16 max)
{
	size_t at = from, above = len;
	u8 step;

	for (; at < len && options[at] != CHATDNAT_TCPOPT_END; at += step) {
		step = 1;
		if (options[at] == CHATDNAT_TCPOPT_NOP)
			continue;

		if (len - at < 2)
			return len;
		step = options[at + 1];
		if (step < 2 || step > len - at)
			return len;

		if (options[at] != CHATDNAT_TCPOPT_MSS)
			continue;
		if (step != CHATDNAT_TCPOPT_MSS_LEN)
			return len;
		if (above == len && chatdnat_tcpopt_mss(options + at + 2) > max)
			above = at + 2;
	}
	return above;
}
