/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The main of a fuzz target under AFL++: persistent, inputs in shared memory,
 * the fork server started once the run is open.
 *
 * Given one file it explains it, as every fuzzing binary does.  Without
 * afl-fuzz around it, or built by another compiler, it runs one input from
 * standard input.
 */
#include "fuzzers/engine.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Inputs between two restarts: what a device loses for good adds up to little. */
#define INPUTS_PER_PROCESS 10000

#ifdef __AFL_HAVE_MANUAL_CONTROL
/* Its macros are not held to our warnings. */
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wconversion"
__AFL_FUZZ_INIT();
#define START_FORK_SERVER() __AFL_INIT()
#define INPUT __AFL_FUZZ_TESTCASE_BUF
#define INPUT_SIZE __AFL_FUZZ_TESTCASE_LEN
#define MORE() __AFL_LOOP(INPUTS_PER_PROCESS)
#else
static uint8_t plain_input[1 << 20];
static ssize_t plain_size;
#define START_FORK_SERVER() (void)INPUTS_PER_PROCESS
#define INPUT plain_input
#define INPUT_SIZE plain_size
#define MORE() (plain_size == 0 && (plain_size = read(0, plain_input, sizeof(plain_input))) > 0)
#endif

int main(int argc, char **argv)
{
	const uint8_t *input;

	LLVMFuzzerInitialize(&argc, &argv);
	/* Opens the run, and touches what only the first input would. */
	if (!fuzz_target.alone)
		LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	START_FORK_SERVER();
	/* It would stay stopped for ever if afl-fuzz were killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	input = INPUT;
	while (MORE()) {
		ssize_t size = INPUT_SIZE;

		LLVMFuzzerTestOneInput(input, size > 0 ? (size_t)size : 0);
	}
	return 0;
}
