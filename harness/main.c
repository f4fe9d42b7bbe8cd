/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The main of `vringer`, the command for our own models.
 */
#include "harness/cmd.h"

/* What AddressSanitizer does in this command: a report ends the child that it
 * is about, quickly, and a huge allocation is a report and not a NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "exitcode=77:max_allocation_size_mb=1024:handle_abort=1:quarantine_size_mb=16";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}

int main(int argc, char **argv)
{
	return command_main(argc, argv);
}
