/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the sanitizers of gcc and clang do in our programs: the functions that they ask
 * for it by name.  One file of a program has SANITIZER_OPTIONS, at its top level; what
 * is in ASAN_OPTIONS and UBSAN_OPTIONS comes before it.
 */
#ifndef VRINGER_HARNESS_SANITIZERS_H
#define VRINGER_HARNESS_SANITIZERS_H

#include "harness/run/batch.h"

#include <stddef.h>

/* A smaller quarantine than AddressSanitizer's own: the memory limit of a run is there
 * for the device.  A huge allocation is a report and not a NULL. */
#define SANITIZER_MEMORY "quarantine_size_mb=16:max_allocation_size_mb=1024"
/* ... where programs run in children: a report ends the child that it is about,
 * quickly. */
#define SANITIZER_CHILDREN SANITIZER_MEMORY ":exitcode=77:handle_abort=1"

#define SANITIZER_OPTIONS(asan)                                                                    \
	const char *__asan_default_options(void);                                                  \
	const char *__asan_default_options(void)                                                   \
	{                                                                                          \
		return asan;                                                                       \
	}                                                                                          \
	const char *__ubsan_default_options(void);                                                 \
	const char *__ubsan_default_options(void)                                                  \
	{                                                                                          \
		return "print_stacktrace=1:halt_on_error=1";                                       \
	}

/* They call these before they put a report together: see batch_on_report. */
#define SANITIZER_HOOKS                                                                            \
	const char *__asan_get_report_description(void) __attribute__((weak));                     \
	void __asan_on_error(void);                                                                \
	void __asan_on_error(void)                                                                 \
	{                                                                                          \
		batch_on_report(__asan_get_report_description != NULL                              \
					? __asan_get_report_description()                          \
					: NULL);                                                   \
	}                                                                                          \
	void __ubsan_on_report(void);                                                              \
	void __ubsan_on_report(void)                                                               \
	{                                                                                          \
		batch_on_report(NULL);                                                             \
	}

#endif
