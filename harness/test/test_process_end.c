/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the death of a process is called, by its status and its words: what many kinds of
 * programs write when they end themselves, and what looks like it.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/peers/process_internal.h"

#include <cmocka.h>

#define EXITED(code) ((code) << 8)

static void its_words_make_the_name(void **state)
{
	static const struct {
		const char *words;
		int status;
		const char *signature;
	} cases[] = {
		{ "", EXITED(0), "exit-0" },
		{ "", SIGBUS, "SIGBUS" },
		{ "", SIGABRT, "SIGABRT" },
		{ "qemu: ../util/iov.c:12: iov_copy: Assertion `len > 0' failed.\n", SIGABRT,
		  "SIGABRT:iov_copy" },
		{ "qemu: a.cc:1: void ns::q::pop(int): Assertion `x: Assertion' failed.\n", SIGABRT,
		  "SIGABRT:ns::q::pop" },
		{ "Assertion failed: x != 0 (src/a.c: take: 77)\n", SIGABRT, "SIGABRT:take" },
		{ "**\nERROR:../hw/a.c:123:send: assertion failed: (n == 0)\nBail out! "
		  "ERROR:../hw/a.c:123:send: assertion failed: (n == 0)\n",
		  SIGABRT, "SIGABRT:send" },
		{ "Bail out! ERROR:a.c:1:f: code should not be reached\n", SIGABRT, "SIGABRT:f" },
		{ "Unexpected error in map_it() at ../a.c:7:\nqemu: no\n", SIGABRT,
		  "SIGABRT:map_it" },
		{ "qemu: virtio: zero sized buffers are not allowed\n", EXITED(1),
		  "exit-1:virtio-zero-sized-buffers-are-not-allowed" },
		{ "qemu: bad thing at 0x7f12: /tmp/a/b 12 of virtio3\n", EXITED(1),
		  "exit-1:bad-thing-at-of" },
		{ "qemu: warning: odd\nqemu: first\nqemu: second\nanother\n", EXITED(1),
		  "exit-1:second" },
		{ "qemu: warning: odd\n", EXITED(1), "exit-1" },
		{ "** (qemu:77): CRITICAL **: 22:36:11.086: Looped descriptor\n", EXITED(1),
		  "exit-1:Looped-descriptor" },
		{ "(q:77): ERROR **: Looped\n(q:77): WARNING **: it was odd\n", EXITED(1),
		  "exit-1:Looped" },
		{ "qemu: it was slow\n", SIGSEGV, "SIGSEGV" },
		{ "qemu: it was slow\n", EXITED(0), "exit-0" },
		{ "thread 'vq0' panicked at 'index out of bounds: the len is 2 but', "
		  "src/dev/queue.rs:10:5\nnote: run\n",
		  EXITED(101), "exit-101:queue.rs:index-out-of-bounds-the-len-is-but" },
		{ "thread 'vq0' panicked at /root/a-1.2/src/queue.rs:10:5:\nindex out of 3\nnote\n",
		  SIGABRT, "SIGABRT:queue.rs:index-out-of" },
		{ "thread 'vq0' (77) panicked at src/queue.rs:10:5:\nno\n"
		  "thread 'main' panicked at src/main.rs:1:1:\nother\n",
		  EXITED(101), "exit-101:queue.rs:no" },
		{ "thread 'x' panicked at", EXITED(101), "exit-101" },
		{ "thread 'x' panicked at src/a.rs:1:1:", EXITED(101), "exit-101:a.rs:" },
		{ "thread 'x' panicked at '", EXITED(101), "exit-101::" },
		{ "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 "
		  "[running]:\n",
		  EXITED(2), "exit-2:panic-runtime-error-index-out-of-range-with" },
		{ "panic: of a shell\n", EXITED(2), "exit-2:panic-of-a-shell" },
		{ "fv_panic: libvhost-user: virtio: invalid address for buffers 7\n", EXITED(1),
		  "exit-1:fv_panic-libvhost-user-virtio-invalid" },
		{ "some: word\n", SIGABRT, "SIGABRT" },
		{ "double free or corruption (out)\n", SIGABRT,
		  "SIGABRT:double-free-or-corruption-out" },
		{ "*** stack smashing detected ***: terminated\n", SIGABRT,
		  "SIGABRT:stack-smashing-detected-terminated" },
		{ "==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x6\n"
		  "    #0 0x1 in __interceptor_memcpy x.cpp:1\n    #1 0x2 in blk_read a.c:1\n"
		  "    #2 0x2 in main a.c:9\n",
		  EXITED(1), "asan:heap-use-after-free:blk_read" },
		{ "a.c:3:4: runtime error: shift exponent 64 is too large for 32-bit type\n"
		  "    #0 0x1 in shift a.c:1\n",
		  EXITED(1), "ubsan:shift-exponent-is-too-large-for--bit-type:shift" },
		{ "ERROR:", SIGABRT, "SIGABRT" },
		{ "ERROR:a:1", SIGABRT, "SIGABRT" },
		{ "Assertion failed: ", SIGABRT, "SIGABRT" },
		{ ": Assertion `", SIGABRT, "SIGABRT" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* On the heap: a byte too far is seen. */
		char *words = strdup(cases[i].words);
		struct process_end end;

		process_end_name(&end, "qemu", PROCESS_SOUND, cases[i].status, words);
		assert_string_equal(end.signature, cases[i].signature);
		assert_null(strchr(end.message, '\n'));
		assert_int_equal(strncmp(end.message, "qemu", 4), 0);
		free(words);
	}
}

/* `a` up to the end, and `text` in it. */
static void write_long(char *words, size_t at, const char *text)
{
	memset(words + at, 'a', PROCESS_WORDS_MAX - at);
	memcpy(words + at, text, strlen(text));
	words[PROCESS_WORDS_MAX - 1] = '\0';
}

static void a_long_name_is_cut(void **state)
{
	static char words[PROCESS_WORDS_MAX];
	struct process_end end;

	(void)state;
	write_long(words, 0, "x: a.c:1: ");
	write_long(words, 12000, ": Assertion `");
	process_end_name(&end, "qemu", PROCESS_SOUND, SIGABRT, words);
	assert_int_equal(strncmp(end.signature, "SIGABRT:aaaa", 12), 0);
	assert_true(strlen(end.signature) < PROCESS_SIGNATURE_MAX);
	write_long(words, 0, "qemu: ");
	process_end_name(&end, "qemu", PROCESS_SOUND, EXITED(1), words);
	assert_string_equal(end.signature, "exit-1");
	write_long(words, 0, "thread 'x' panicked at src/a.rs:1:1:\n");
	process_end_name(&end, "qemu", PROCESS_SOUND, EXITED(101), words);
	assert_string_equal(end.signature, "exit-101:a.rs:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_words_make_the_name),
		cmocka_unit_test(a_long_name_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
