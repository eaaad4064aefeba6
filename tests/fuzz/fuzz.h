/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCR_TESTS_FUZZ_H
#define MCR_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property of the code under test; the fuzzer reports the input that breaks it. */
#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* A copy without a byte to spare, so that the address sanitizer sees every read past the end. */
static inline uint8_t *
exact_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size != 0 ? size : 1);

	CHECK(copy != NULL);
	if (size != 0)
		memcpy(copy, data, size);
	return copy;
}

#endif
