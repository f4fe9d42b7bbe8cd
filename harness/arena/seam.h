/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Where a device's own memory meets the harness: copies that are checked, and
 * memory that is forbidden.
 *
 * seam.c is the one file of the harness that is built with the sanitizers of
 * the device under test also where the rest of it is not.
 */
#ifndef VRINGER_HARNESS_SEAM_H
#define VRINGER_HARNESS_SEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copy `len` bytes; under AddressSanitizer both ranges are checked. */
void seam_copy(void *to, const void *from, uint32_t len);

/* Under AddressSanitizer, make any access to these bytes a report, or allow
 * it again. */
void seam_poison(const void *memory, size_t size);
void seam_unpoison(const void *memory, size_t size);

/* The sanitizers that this program has, as words: "AddressSanitizer, ..."; "none". */
const char *seam_sanitizers(void);

/* Has memory been lost since the process began?  LeakSanitizer's report is on
 * stderr then.  false where there is none. */
bool seam_leaks(void);

/* Have the symbols of this program read, once, for all children that are yet to come:
 * each reads them again else for the stack of its crash, which takes longer than all
 * else that it does. */
void seam_read_symbols(void);

#endif
