/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What must hold whatever the input; libFuzzer keeps the input for which it does not. */
#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input, taken bit by bit; zeros once it is used up. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t take_u8(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

static inline uint16_t take_u16(struct input *input)
{
	uint16_t high = take_u8(input);

	return (uint16_t)(high << 8 | take_u8(input));
}

/* A copy of the next bytes in an allocation of exactly their size: reading past it is seen. */
uint8_t *fuzz_copy(const void *bytes, size_t size);

/* The allocation after so many more fails; 0: none does. */
extern unsigned int fuzz_alloc_fails;

/* The parameter of that name, or NULL. */
struct kernel_param;
const struct kernel_param *fuzz_param_named(const char *name, size_t len);

#endif
