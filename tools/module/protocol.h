/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_PROTOCOL_H
#define CHATDNATCTL_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * IP protocols beside TCP, UDP and ICMP, as the setting `allow` takes them: by name, or by number followed by "/ip".
 * To be freed.
 */
char *protocol_word(uint8_t number);

/* For people: "VRRP (112)", "IP protocol 200". To be freed. */
char *protocol_describe(uint8_t number);

/* False if the text is neither such a name, with or without "/ip", nor such a number. */
bool protocol_parse(uint8_t *number, const char *text);

#endif
