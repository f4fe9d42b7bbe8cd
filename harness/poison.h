/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * AddressSanitizer's manual poisoning, in builds that have it.
 */
#ifndef VRINGER_HARNESS_POISON_H
#define VRINGER_HARNESS_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define poison_memory(memory, size) __asan_poison_memory_region(memory, size)
#define unpoison_memory(memory, size) __asan_unpoison_memory_region(memory, size)
#else
#define poison_memory(memory, size) ((void)(memory), (void)(size))
#define unpoison_memory(memory, size) ((void)(memory), (void)(size))
#endif

#endif
