// SPDX-License-Identifier: GPL-2.0
/* What of this host is open: ports, and protocols without. Input: such a list. */
#include "../../module/policy/allow.h"
#include "text.h"

#include <string.h>

static void check_written(const struct chatdnat_allowed *allowed)
{
	struct chatdnat_refusal why = { 0 };
	struct chatdnat_allowed other;
	struct chatdnat_text text;
	char buf[4096] = "";
	int len;

	len = chatdnat_allowed_format(allowed, buf, sizeof(buf));
	CHECK(len >= 0 && (size_t)len == strlen(buf) && (size_t)len + 1 < sizeof(buf));
	text = text_of(buf, (size_t)len);
	CHECK(!chatdnat_allowed_parse(&other, text, &why));
	CHECK(chatdnat_portset_equal(&allowed->ports, &other.ports));
	CHECK(!memcmp(allowed->protocols, other.protocols, sizeof(other.protocols)));
	text_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t never[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 };
	struct chatdnat_text text = text_of(data, size);
	struct chatdnat_refusal why = { 0 };
	struct chatdnat_allowed allowed;
	unsigned int i, any = 0;
	int err;

	err = chatdnat_allowed_parse(&allowed, text, &why);
	if (err) {
		check_refusal(text, err, &why);
	} else {
		for (i = 0; i < sizeof(never); i++)
			CHECK(!chatdnat_allowed_protocol(&allowed, never[i]));
		for (i = 0; i < CHATDNAT_IP_PROTOCOLS; i++)
			any += chatdnat_allowed_protocol(&allowed, (u8)i);
		/* Each is written with at least as many bytes. */
		CHECK(any <= size / 3);
		check_written(&allowed);
	}
	text_free(text);
	return 0;
}
