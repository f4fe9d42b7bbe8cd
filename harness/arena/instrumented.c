/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Checked copies and poisoned memory.  See instrumented.h.
 *
 * Whether AddressSanitizer is there may be known only when the program is linked:
 * libvringer.a is built without it and linked with devices that have it.
 */
#include "harness/arena/instrumented.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Built with AddressSanitizer, a copy is checked where it stands. */
#if defined(__SANITIZE_ADDRESS__)
#define CHECKS_ITSELF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKS_ITSELF 1
#endif
#endif
#ifndef CHECKS_ITSELF
#define CHECKS_ITSELF 0
#endif

/* Of the sanitizers' runtimes; NULL in a program that has none.  Where all of a program is
 * built with the flags of this file (SANITIZERS_GIVEN), no AddressSanitizer comes later, and
 * OSS-Fuzz takes a call of it for a mistake. */
#if defined(SANITIZERS_GIVEN) && !CHECKS_ITSELF
#define __asan_poison_memory_region ((void (*)(const volatile void *, size_t))NULL)
#define __asan_unpoison_memory_region ((void (*)(const volatile void *, size_t))NULL)
#define __asan_memcpy ((void *(*)(void *, const void *, size_t))NULL)
#else
void __asan_poison_memory_region(const volatile void *memory, size_t size) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *memory, size_t size) __attribute__((weak));
void *__asan_memcpy(void *to, const void *from, size_t size) __attribute__((weak));
#endif
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
void __sanitizer_symbolize_pc(void *pc, const char *format, char *out, size_t size)
	__attribute__((weak));
void __asan_init(void) __attribute__((weak));
void __msan_init(void) __attribute__((weak));
void __tsan_init(void) __attribute__((weak));
void __ubsan_handle_out_of_bounds(void *data, void *index) __attribute__((weak));
void __ubsan_handle_out_of_bounds_abort(void *data, void *index) __attribute__((weak));

void instrumented_copy(void *to, const void *from, uint32_t len)
{
	if (!CHECKS_ITSELF && __asan_memcpy != NULL) {
		__asan_memcpy(to, from, len);
		return;
	}
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

void instrumented_poison(const void *memory, size_t size)
{
	if (__asan_poison_memory_region != NULL)
		__asan_poison_memory_region(memory, size);
}

void instrumented_unpoison(const void *memory, size_t size)
{
	if (__asan_unpoison_memory_region != NULL)
		__asan_unpoison_memory_region(memory, size);
}

/* AddressSanitizer's malloc() and free() write a byte of their own for each eight, which
 * takes longer than most runs.  Without it malloc() is better: valgrind and
 * MemorySanitizer know that its content is unknown. */
static size_t guarded(size_t size, size_t page)
{
	return (size + page - 1) / page * page + 2 * page;
}

void *instrumented_reserve(size_t size, bool zero)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = guarded(size, page);
	uint8_t *memory;

	if (__asan_init == NULL)
		return zero ? calloc(1, size) : malloc(size);
	memory = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	if (mprotect(memory + page, whole - 2 * page, PROT_READ | PROT_WRITE) == 0)
		return memory + page;
	munmap(memory, whole);
	return NULL;
}

void instrumented_unreserve(void *memory, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (__asan_init == NULL)
		free(memory);
	else if (memory != NULL)
		munmap((uint8_t *)memory - page, guarded(size, page));
}

const char *instrumented_sanitizers(void)
{
	bool undefined =
		__ubsan_handle_out_of_bounds != NULL || __ubsan_handle_out_of_bounds_abort != NULL;

	if (__asan_init != NULL)
		return undefined ? "AddressSanitizer, UndefinedBehaviorSanitizer"
				 : "AddressSanitizer";
	if (__msan_init != NULL)
		return "MemorySanitizer";
	if (__tsan_init != NULL)
		return "ThreadSanitizer";
	return undefined ? "UndefinedBehaviorSanitizer" : "no sanitizer";
}

static bool unchecked;

/* LeakSanitizer asks it before each check. */
int __lsan_is_turned_off(void) __attribute__((weak));
int __lsan_is_turned_off(void)
{
	return unchecked;
}

void instrumented_end_unchecked(void)
{
	unchecked = true;
}

bool instrumented_leaks(void)
{
	/* A child asks, and its parent may have said that of itself. */
	unchecked = false;
	return __lsan_do_recoverable_leak_check != NULL && __lsan_do_recoverable_leak_check() != 0;
}

/* Only gcc's runtime does it in the process itself; clang's asks another one, which
 * cannot be shared. */
void instrumented_read_symbols(void)
{
#ifndef __clang__
	static bool done;
	char text[256];

	if (done || __sanitizer_symbolize_pc == NULL)
		return;
	done = true;
	__sanitizer_symbolize_pc(__builtin_return_address(0), "%f", text, sizeof(text));
#endif
}
