/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A standalone replayer: a main for a fuzz target where there is no engine.  Runs
 * every file that it is given, in this process, as an engine would.
 */
#include "fuzzers/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE_MAX (4u << 20)

/* 0, or 2 after one line on stderr. */
static int run_file(const char *path, uint8_t *data)
{
	FILE *in = fopen(path, "rb");
	size_t size;
	int error;

	if (in == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 2;
	}
	errno = 0;
	size = fread(data, 1, FILE_SIZE_MAX, in);
	error = ferror(in) ? errno : 0;
	fclose(in);
	if (error != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(error));
		return 2;
	}
	LLVMFuzzerTestOneInput(data, size);
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t *data;
	int status = 0;

	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 2;
	}
	LLVMFuzzerInitialize(&argc, &argv);
	data = malloc(FILE_SIZE_MAX);
	if (data == NULL)
		return 2;
	for (int i = 1; i < argc; i++)
		if (run_file(argv[i], data) != 0)
			status = 2;
	fprintf(stderr, "%d files run\n", argc - 1);
	free(data);
	return status;
}
