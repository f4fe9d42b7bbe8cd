/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Where a device's own memory meets the harness: copies that are checked, and
 * memory that is forbidden.
 *
 * instrumented.c is the one file of the harness that is built with the sanitizers of
 * the device under test also where the rest of it is not.
 */
#ifndef VRINGER_HARNESS_INSTRUMENTED_H
#define VRINGER_HARNESS_INSTRUMENTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copy `len` bytes; under AddressSanitizer both ranges are checked. */
void instrumented_copy(void *to, const void *from, uint32_t len);

/* Under AddressSanitizer, make any access to these bytes a report, or allow
 * it again. */
void instrumented_poison(const void *memory, size_t size);
void instrumented_unpoison(const void *memory, size_t size);

/* The sanitizers that this program has, as words: "AddressSanitizer, ..."; "none". */
const char *instrumented_sanitizers(void);

/* Has memory been lost since the process began?  LeakSanitizer's report is on
 * stderr then.  false where there is none. */
bool instrumented_leaks(void);

/* Have the symbols of this program read, once, for all children that are yet to come:
 * each reads them again else for the stack of its crash, which takes longer than all
 * else that it does. */
void instrumented_read_symbols(void);

#endif
