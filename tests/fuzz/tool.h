/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host that the tool sees: files and answers of the kernel come from the
 * input, nothing reaches the machine. What the tool calls is wrapped by the
 * linker (Makefile).
 */
#ifndef FUZZ_TOOL_H
#define FUZZ_TOOL_H

#include "fuzz.h"

/* From here on the tool's files are those that are in @text: lines "@PATH", each with a file behind it. */
void host_begin(const char *text, size_t len);

/* What the kernel answers is taken from here, message by message. */
void host_answers(const struct input *input);

/* Nothing that the tool opened stays open. What it printed: terminated, good until the next one begins. */
const char *host_end(void);

/* Whether it said that something is wrong. */
extern bool host_complained;

#endif
