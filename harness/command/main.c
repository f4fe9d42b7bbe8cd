/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The main of `vringer`, the command for our own models.
 */
#include "harness/command/cmd.h"
#include "harness/run/batch.h"

/* AddressSanitizer's options in this command: a report ends the child at once, and an
 * allocation that is too large is reported instead of returning NULL. */
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

/* The sanitizers call these before they write a report. */
const char *__asan_get_report_description(void) __attribute__((weak));
void __asan_on_error(void);
void __asan_on_error(void)
{
	batch_on_report(__asan_get_report_description != NULL ? __asan_get_report_description()
							      : NULL);
}

void __ubsan_on_report(void);
void __ubsan_on_report(void)
{
	batch_on_report(NULL);
}

int main(int argc, char **argv)
{
	return command_main(argc, argv);
}
