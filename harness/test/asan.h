/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Is a byte poisoned?  Where there is no AddressSanitizer nothing is, and
 * HAVE_POISON is 0.
 */
#ifndef VRINGER_HARNESS_TEST_ASAN_H
#define VRINGER_HARNESS_TEST_ASAN_H

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_POISON 1
#endif
#endif

#ifdef HAVE_POISON
#include <sanitizer/asan_interface.h>
#define is_poisoned(address) (__asan_address_is_poisoned(address) != 0)
#else
#define HAVE_POISON 0
#define is_poisoned(address) ((void)(address), 0)
#endif

#endif
