// SPDX-License-Identifier: GPL-2.0
/* Addresses, next to the C library's opinion. Input: '4' or '6', then an address. */
#include "../../module/policy/addr.h"
#include "text.h"

#include <string.h>

/* arpa/inet.h does not get along with the kernel's headers. */
int inet_pton(int af, const char *src, void *dst);
const char *inet_ntop(int af, const void *src, char *dst, unsigned int size);

static const int afs[] = { [CHATDNAT_IPV4] = 2, [CHATDNAT_IPV6] = 10 };

static bool all_zero(const uint8_t *byte, size_t n)
{
	while (n && !byte[n - 1])
		n--;
	return !n;
}

/* Whether packets can be forwarded to it. */
static bool fit(enum chatdnat_family family, const uint8_t *b)
{
	if (family == CHATDNAT_IPV4)
		return b[0] && b[0] != 127 && !(b[0] == 169 && b[1] == 254) && (b[0] < 224 || b[0] > 239) &&
		       memcmp(b, "\xff\xff\xff\xff", 4) != 0;
	return b[0] != 0xff && !(b[0] == 0xfe && b[1] >= 0x80 && b[1] <= 0xbf) && !all_zero(b, 12) &&
	       !(all_zero(b, 10) && b[10] == 0xff && b[11] == 0xff);
}

static bool library_parse(enum chatdnat_family family, struct chatdnat_text text, uint8_t byte[16])
{
	char copy[128];

	memset(byte, 0, 16);
	if (text.len >= sizeof(copy) || memchr(text.at, '\0', text.len))
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return inet_pton(afs[family], copy, byte) == 1;
}

static void written(enum chatdnat_family family, const struct chatdnat_addr *addr)
{
	char buf[48], library[48], *cut;
	struct chatdnat_refusal why = { 0 };
	struct chatdnat_addr again;
	struct chatdnat_text text;
	size_t room;
	int len;

	len = chatdnat_addr_format(family, addr, buf, sizeof(buf));
	CHECK(len > 0 && (size_t)len == strlen(buf));
	CHECK(inet_ntop(afs[family], addr->word, library, sizeof(library)));
	CHECK(!strcmp(buf, library));

	text = text_of(buf, (size_t)len);
	CHECK(!chatdnat_addr_parse(family, &again, text, &why));
	CHECK(chatdnat_addr_equal(addr, &again));
	text_free(text);

	/* Where there is less room it is cut off. */
	for (room = 1; room <= (size_t)len; room++) {
		cut = malloc(room);
		CHECK(cut && chatdnat_addr_format(family, addr, cut, room) == (int)room - 1);
		CHECK(!memcmp(cut, buf, room - 1) && !cut[room - 1]);
		free(cut);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum chatdnat_family family = size && *data == '6' ? CHATDNAT_IPV6 : CHATDNAT_IPV4;
	struct chatdnat_refusal why = { 0 };
	struct chatdnat_addr addr;
	struct chatdnat_text text;
	uint8_t library[16];
	bool understood;
	int err;

	if (!size)
		return 0;
	text = text_of(data + 1, size - 1);
	understood = library_parse(family, text, library);
	err = chatdnat_addr_parse(family, &addr, text, &why);
	CHECK(!err == (understood && fit(family, library)));
	if (err) {
		check_refusal(text, err, &why);
	} else {
		CHECK(!memcmp(addr.word, library, sizeof(library)));
		CHECK(!chatdnat_addr_is_multicast(family, &addr) && !chatdnat_addr_is_link_local(family, &addr));
		written(family, &addr);
	}
	text_free(text);
	return 0;
}
