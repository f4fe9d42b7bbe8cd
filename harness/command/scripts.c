/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Where the conformance scripts are installed, and which are those.
 */
#include "harness/command/cmd.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *scripts_folder(void)
{
#ifdef SCRIPTS_FOLDER
	return SCRIPTS_FOLDER;
#else
	return NULL;
#endif
}

/* Is the file in the folder, whichever way the two paths are written? */
static bool is_below(const char *path, const char *folder)
{
	char *file = realpath(path, NULL), *dir = realpath(folder, NULL);
	size_t len = dir != NULL ? strlen(dir) : 0;
	bool below = file != NULL && dir != NULL && strncmp(file, dir, len) == 0 &&
		     (file[len] == '/' || (len > 0 && dir[len - 1] == '/'));

	free(file);
	free(dir);
	return below;
}

bool scripts_are_installed(const char *path)
{
	const char *folder = scripts_folder();

	return folder != NULL && is_below(path, folder);
}

const char *fuzz_folder(void)
{
#ifdef SCRIPTS_FOLDER
	return SCRIPTS_FOLDER "/../fuzz";
#else
	return NULL;
#endif
}
