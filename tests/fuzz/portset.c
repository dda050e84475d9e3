// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of ports, next to the tool's parser of the same, which keeps a bit for
 * each port. Input: 'p' for ports that are forwarded, 'a' for those of this host;
 * then a list.
 */
#include "../../module/policy/portset.h"
#include "text.h"

#include <string.h>

#include "../../tools/module/ports.h"

static struct ports model, again;

static void check_port(const struct chatdnat_portset *set, enum chatdnat_proto proto, unsigned int port)
{
	enum protocol protocol = proto == CHATDNAT_UDP ? UDP : TCP;
	bool has = ports_contain(&model, protocol, (uint16_t)port);
	bool next = (port < 65535 && ports_contain(&model, protocol, (uint16_t)(port + 1))) ||
		    (port && ports_contain(&model, protocol, (uint16_t)(port - 1)));

	CHECK(chatdnat_portset_has(set, proto, (u16)port) == has);
	/* 22/tcp that is forwarded is never one of a range. */
	if (proto == CHATDNAT_TCP && set->ssh_apart && port >= 21 && port <= 23)
		return;
	CHECK(chatdnat_portset_spans(set, proto, (u16)port) == (has && next));
}

/* Where a byte of the model says the same of all its ports, one of them stands for all. */
static void check_members(const struct chatdnat_portset *set)
{
	enum chatdnat_proto proto;
	unsigned int at, i;

	for (proto = 0; proto < CHATDNAT_PROTOS; proto++) {
		for (at = 0; at < sizeof(model.bits[0]); at++) {
			uint8_t byte = model.bits[proto == CHATDNAT_UDP ? UDP : TCP][at];
			bool same = byte == 0 || byte == 0xff;

			for (i = 0; i < 8; i += same ? 7 : 1)
				check_port(set, proto, at * 8 + i);
		}
	}
}

static void check_order(const struct chatdnat_portset *set)
{
	unsigned int i, n = set->n[CHATDNAT_TCP] + set->n[CHATDNAT_UDP];

	CHECK(n <= CHATDNAT_PORTSET_MAX);
	CHECK(!set->ssh_apart || !chatdnat_portset_spans(set, CHATDNAT_TCP, CHATDNAT_PORT_SSH));
	for (i = 0; i < n; i++) {
		CHECK(set->range[i].first && set->range[i].first <= set->range[i].last);
		if (i && i != set->n[CHATDNAT_TCP])
			CHECK(set->range[i].first > set->range[i - 1].last);
	}
}

static void check_written(const struct chatdnat_portset *set, bool forwarded)
{
	struct chatdnat_refusal why = { 0 };
	struct chatdnat_portset other;
	struct chatdnat_text text;
	char buf[4096] = "";
	int len;

	len = chatdnat_portset_format(set, buf, sizeof(buf));
	CHECK(len >= 0 && (size_t)len == strlen(buf) && (size_t)len + 1 < sizeof(buf));
	CHECK(ports_parse(&again, buf) && !memcmp(&again, &model, sizeof(model)));

	text = text_of(buf, (size_t)len);
	CHECK(!chatdnat_portset_parse(&other, text, forwarded, &why));
	CHECK(chatdnat_portset_equal(set, &other) && chatdnat_portset_equal(&other, set));
	text_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool forwarded = size && *data == 'p';
	struct chatdnat_refusal why = { 0 };
	struct chatdnat_portset set;
	struct chatdnat_text text;
	char *line;
	int err;

	if (!size)
		return 0;
	text = text_of(data + 1, size - 1);
	err = chatdnat_portset_parse(&set, text, forwarded, &why);
	line = malloc(size);
	CHECK(line);
	memcpy(line, text.at, text.len);
	line[text.len] = '\0';
	if (err) {
		check_refusal(text, err, &why);
		/* The tool takes more: it is to get along with newer modules. */
		ports_parse(&model, line);
	} else {
		CHECK(ports_parse(&model, line));
		check_order(&set);
		check_members(&set);
		check_written(&set, forwarded);
	}
	free(line);
	text_free(text);
	return 0;
}
