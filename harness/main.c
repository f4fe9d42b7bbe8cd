/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The main of `vringer`, the command for our own models.
 */
#include "harness/batch.h"
#include "harness/cmd.h"

#include <unistd.h>

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

/* Called before a report is put together, which takes most of a crash's time. */
static void on_report(void)
{
	if (batch_serving)
		_exit(77);
}

void __asan_on_error(void);
void __asan_on_error(void)
{
	on_report();
}

void __ubsan_on_report(void);
void __ubsan_on_report(void)
{
	on_report();
}

int main(int argc, char **argv)
{
	return command_main(argc, argv);
}
