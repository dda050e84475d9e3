// SPDX-License-Identifier: GPL-2.0
/* Lists of relays. Input: '4' or '6', then a list. */
#include "../../module/policy/relays.h"
#include "text.h"

#include <string.h>

static const struct chatdnat_addr zero;

/* For an address: its own entry, else the one for all others. */
static const struct chatdnat_addr *naive(const struct chatdnat_relays *relays, const struct chatdnat_addr *local)
{
	unsigned int i;

	for (i = 0; i < relays->n; i++)
		if (!memcmp(&relays->relay[i].local, local, sizeof(*local)))
			return &relays->relay[i].addr;
	for (i = 0; i < relays->n; i++)
		if (!memcmp(&relays->relay[i].local, &zero, sizeof(zero)))
			return &relays->relay[i].addr;
	return NULL;
}

static void check_lookups(const struct chatdnat_relays *relays)
{
	const struct chatdnat_addr elsewhere = { .word = { 0x01020304 } };
	unsigned int i, j;

	CHECK(chatdnat_relays_find(relays, &elsewhere) == naive(relays, &elsewhere));
	for (i = 0; i < relays->n; i++) {
		const struct chatdnat_relay *relay = &relays->relay[i];

		CHECK(chatdnat_relays_has(relays, &relay->addr));
		CHECK(memcmp(&relay->local, &relay->addr, sizeof(relay->local)) != 0);
		CHECK(chatdnat_relays_names(relays, &relay->local));
		CHECK(chatdnat_relays_find(relays, &relay->local) == &relay->addr);
		CHECK(chatdnat_relays_find(relays, &relay->addr) == naive(relays, &relay->addr));
		CHECK(chatdnat_relay_serves_others(relay) == !memcmp(&relay->local, &zero, sizeof(zero)));
		for (j = 0; j < i; j++)
			CHECK(memcmp(&relays->relay[j].local, &relay->local, sizeof(relay->local)) != 0);
	}
}

static void check_written(enum chatdnat_family family, const struct chatdnat_relays *relays)
{
	char buf[CHATDNAT_RELAYS_MAX * 2 * 48] = "";
	struct chatdnat_refusal why = { 0 };
	struct chatdnat_relays again;
	struct chatdnat_text text;
	int len;

	len = chatdnat_relays_format(family, relays, buf, sizeof(buf));
	CHECK(len >= 0 && (size_t)len == strlen(buf));
	text = text_of(buf, (size_t)len);
	CHECK(!chatdnat_relays_parse(family, &again, text, &why));
	CHECK(!memcmp(relays, &again, sizeof(again)));
	text_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum chatdnat_family family = size && *data == '6' ? CHATDNAT_IPV6 : CHATDNAT_IPV4;
	struct chatdnat_refusal why = { 0 };
	struct chatdnat_relays relays;
	struct chatdnat_text text;
	int err;

	if (!size)
		return 0;
	text = text_of(data + 1, size - 1);
	err = chatdnat_relays_parse(family, &relays, text, &why);
	if (err) {
		check_refusal(text, err, &why);
	} else {
		CHECK(relays.n <= CHATDNAT_RELAYS_MAX && !relays.n == !text.len);
		check_lookups(&relays);
		check_written(family, &relays);
	}
	text_free(text);
	return 0;
}
