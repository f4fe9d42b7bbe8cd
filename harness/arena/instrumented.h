/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Copies between guest memory and a device's own memory, checked by the sanitizers, and
 * memory that a device must not access.
 *
 * instrumented.c is the one file of the harness that is always built with the
 * sanitizers of the device under test, even if the rest is not.
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

/* Memory of the harness, of `size` bytes, most of which is never used: it costs what is
 * used of it.  NULL if there is none.  Its content is unknown, or `zero`; what is before
 * and behind it must not be accessed, as with malloc() and calloc(). */
void *instrumented_reserve(size_t size, bool zero);
void instrumented_unreserve(void *memory, size_t size);

/* The sanitizers that this program has, as words: "AddressSanitizer, ..."; "none". */
const char *instrumented_sanitizers(void);

/* Has memory been lost since the process began?  LeakSanitizer's report is on
 * stderr then.  false where there is none. */
bool instrumented_leaks(void);
/* This process is not to look for lost memory once more when it exits. */
void instrumented_end_unchecked(void);

/* Read the symbols of this program now, once, for all children to come.  Otherwise each
 * child that crashes reads them again, which takes most of its time. */
void instrumented_read_symbols(void);

#endif
