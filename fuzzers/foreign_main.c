/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The main of a program that registers devices with VRINGER_TARGETS, where no
 * engine brings its own: vringer's commands, and AFL++'s target.
 *
 * afl-fuzz sees that it may run the program in persistent mode, with inputs in
 * shared memory, by the words below; AFL++'s runtime is there if the program
 * was linked by one of its compilers, and then does the rest.  This file itself
 * need not be built by them.
 */
#include "fuzzers/engine.h"

#include "harness/target/vringer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

/* Inputs between two restarts: what a device loses for good adds up to little. */
#define INPUTS_PER_PROCESS 10000

/* AFL++'s runtime; not there in other programs. */
extern unsigned int *__afl_fuzz_len __attribute__((weak));
extern unsigned char *__afl_fuzz_ptr __attribute__((weak));
int __afl_persistent_loop(unsigned int count) __attribute__((weak));
void __afl_manual_init(void) __attribute__((weak));
/* Asks it for shared memory. */
extern int __afl_sharedmem_fuzzing;
int __afl_sharedmem_fuzzing = 1;

static const char *const afl_words[]
	__attribute__((used)) = { "##SIG_AFL_PERSISTENT##", "##SIG_AFL_DEFER_FORKSRV##" };

/* Run by afl-fuzz, afl-showmap or the like? */
static bool is_afl(void)
{
	return __afl_persistent_loop != NULL && getenv("__AFL_SHM_ID") != NULL;
}

/* Threads are not there any more in the processes that are forked next: what a
 * device keeps of its own must not be from before. */
static bool has_threads(void)
{
	for (size_t i = 0; vringer_targets[i] != NULL; i++)
		if (vringer_targets[i]->settle != NULL)
			return true;
	return false;
}

static int fuzz(void)
{
	/* Opens the run, and touches what only the first input would. */
	if (!has_threads())
		LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	__afl_manual_init();
	/* It would stay stopped for ever if afl-fuzz were killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (__afl_persistent_loop(INPUTS_PER_PROCESS) != 0)
		LLVMFuzzerTestOneInput(__afl_fuzz_ptr, *__afl_fuzz_len);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 1 && is_afl()) {
		LLVMFuzzerInitialize(&argc, &argv);
		return fuzz();
	}
	return vringer_main(argc, argv);
}
