/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Checked copies and forbidden memory.  See seam.h.
 */
#include "harness/seam.h"

#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

void seam_copy(void *to, const void *from, uint32_t len)
{
	/* Most copies are ring fields and descriptors: not worth a call. */
	switch (len) {
	case 2:
		memcpy(to, from, 2);
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	case 16:
		memcpy(to, from, 16);
		break;
	default:
		memcpy(to, from, len);
	}
}

void seam_poison(const void *memory, size_t size)
{
#ifdef HAVE_ASAN
	__asan_poison_memory_region(memory, size);
#else
	(void)memory;
	(void)size;
#endif
}

void seam_unpoison(const void *memory, size_t size)
{
#ifdef HAVE_ASAN
	__asan_unpoison_memory_region(memory, size);
#else
	(void)memory;
	(void)size;
#endif
}

bool seam_leaks(void)
{
#ifdef HAVE_ASAN
	return __lsan_do_recoverable_leak_check() != 0;
#else
	return false;
#endif
}
