/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The main of `vringer`, the command for our own models.
 */
#include "harness/command/cmd.h"
#include "harness/run/sanitizers.h"

SANITIZER_OPTIONS(SANITIZER_CHILDREN)
SANITIZER_HOOKS

int main(int argc, char **argv)
{
	return command_main(argc, argv);
}
