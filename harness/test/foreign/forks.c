/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * AFL++'s runtime as far as a target sees it: it forks where the fork server would,
 * and the child runs the file FORKS_INPUT.  Exits as the child does; 70 if that died.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern unsigned int *__afl_fuzz_len;
extern unsigned char *__afl_fuzz_ptr;
int __afl_persistent_loop(unsigned int count);
void __afl_manual_init(void);

static unsigned char input[4096];
static unsigned int input_size;
unsigned int *__afl_fuzz_len = &input_size;
unsigned char *__afl_fuzz_ptr = input;

int __afl_persistent_loop(unsigned int count)
{
	static int runs;

	(void)count;
	return runs++ == 0;
}

void __afl_manual_init(void)
{
	const char *path = getenv("FORKS_INPUT");
	FILE *in = path != NULL ? fopen(path, "rb") : NULL;
	int status = 0;
	pid_t pid;

	if (in == NULL)
		exit(71);
	input_size = (unsigned int)fread(input, 1, sizeof(input), in);
	fclose(in);
	pid = fork();
	if (pid == 0)
		return;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		exit(72);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 70);
}
