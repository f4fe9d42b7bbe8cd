/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What every fuzzing binary and replayer has in common.  See engine.h.
 *
 * With one file as its only argument, a person wants to know what the file does: it is
 * run in a child and explained.  With flags, or with several files, everything happens
 * in this process, as engines and scripts expect.
 */
#include "fuzzers/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* NOLINTNEXTLINE(bugprone-reserved-identifier): the name is theirs. */
void __msan_unpoison(const volatile void *data, size_t size) __attribute__((weak));

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int status = fuzz_target.command != NULL ? fuzz_target.command(*argc, *argv) : -1;
	/* AFL++'s runtime, not built with MemorySanitizer, has its variables here next. */
	struct stat st = { 0 };

	if (status >= 0)
		exit(status);
	if (*argc == 2 && (*argv)[1][0] != '-' && stat((*argv)[1], &st) != 0) {
		fprintf(stderr, "%s: %s\n", (*argv)[1], strerror(errno));
		exit(2);
	}
	if (*argc == 2 && (*argv)[1][0] != '-' && fuzz_target.explain != NULL &&
	    stat((*argv)[1], &st) == 0 && !S_ISDIR(st.st_mode))
		exit(fuzz_target.explain(fuzz_target_name(), (*argv)[1]));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* An engine that is not built with MemorySanitizer cannot say what it has filled. */
	if (__msan_unpoison != NULL)
		__msan_unpoison(data, size);
	return fuzz_target.one(fuzz_target_name(), data, size);
}
