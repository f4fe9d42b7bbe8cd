/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sessions of a peer (harness/peers/), a device in another process, which no engine can
 * see into: its feedback is what can be observed.  One binary for all of them:
 *
 *   VRINGER_PEER=NAME            which one
 *   VRINGER_PEER_COMMAND=CMD     what is started for it, as --command has it
 */
#include "fuzzers/engine.h"

#include "fuzzers/feedback.h"
#include "harness/peers/peers.h"
#include "harness/target/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fail(const char *what) __attribute__((noreturn));

static void fail(const char *what)
{
	fprintf(stderr, "fuzz_peer: %s\n", what);
	_exit(2);
}

static const struct target *find(void)
{
	const char *name = getenv("VRINGER_PEER"), *command = getenv("VRINGER_PEER_COMMAND");
	const struct peer *peer = peer_find(name);
	const struct target *target;
	char what[TARGET_WHAT_MAX] = "no memory";

	if (peer == NULL)
		fail("expected VRINGER_PEER=NAME, one that `vringer peers` lists");
	if (command != NULL && *command != '\0' &&
	    peer_use_command(peer, command, what, sizeof(what)) != 0)
		fail(what);
	peer_register();
	target = peer_target(peer);
	if (target == NULL)
		_exit(2);
	if (peer_program(peer) == NULL) {
		peer_missing(peer, what, sizeof(what));
		fail(what);
	}
	return target;
}

static const char *choose(void)
{
	static const struct target *target;

	if (target == NULL)
		target = find();
	return target->name;
}

/* To an engine the end of the process would be a finding later on. */
static int command(int argc, char **argv)
{
	if (argc < 2 || strncmp(argv[1], "-help", 5) != 0)
		choose();
	return -1;
}

const struct fuzz_target fuzz_target = {
	.one = session_one,
	.explain = session_explain,
	.choose = choose,
	.command = command,
	.feedback = FEEDBACK_ALWAYS,
	.programs = true,
	.alone = true,
};
