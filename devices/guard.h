/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Poisoned memory between the parts of one block: with AddressSanitizer an access past
 * the end of a part is reported and does not reach the next part.  Without it a guard is
 * padding.
 *
 * A host's allocator may give the block to somebody else: what was forbidden is
 * allowed again before the block goes back.
 */
#ifndef VRINGER_DEVICES_GUARD_H
#define VRINGER_DEVICES_GUARD_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define GUARD_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUARD_CHECKED 1
#endif
#endif

#ifdef GUARD_CHECKED
#include <sanitizer/asan_interface.h>
#endif

/* Forbid `size` bytes at `memory`, or allow them; both are multiples of 8. */
static inline void guard_forbid(const void *memory, size_t size)
{
#ifdef GUARD_CHECKED
	__asan_poison_memory_region(memory, size);
#else
	(void)memory;
	(void)size;
#endif
}

static inline void guard_allow(const void *memory, size_t size)
{
#ifdef GUARD_CHECKED
	__asan_unpoison_memory_region(memory, size);
#else
	(void)memory;
	(void)size;
#endif
}

#endif
