/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Where the conformance scripts are installed.
 */
#include "harness/command/cmd.h"

#include <stddef.h>

const char *scripts_folder(void)
{
#ifdef SCRIPTS_FOLDER
	return SCRIPTS_FOLDER;
#else
	return NULL;
#endif
}

const char *fuzz_folder(void)
{
#ifdef SCRIPTS_FOLDER
	return SCRIPTS_FOLDER "/../fuzz";
#else
	return NULL;
#endif
}
