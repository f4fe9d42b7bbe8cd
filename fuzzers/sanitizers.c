/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the sanitizers do in the fuzzing binaries and replayers of our models.
 */

/* A smaller quarantine than AddressSanitizer's own: the memory limit of a fuzz
 * run is there for the device. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=16:max_allocation_size_mb=1024";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}
