/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The files that the arguments of a command stand for: each as it is given, and of
 * a folder those in it, in the order of their names, without hidden ones.
 *
 * Only files are taken from a folder: a FIFO, a socket, a device, a broken link or an
 * unreadable folder is reported and not opened.  An argument itself may be anything,
 * also "-" or a pipe.
 */
#ifndef VRINGER_HARNESS_WALK_H
#define VRINGER_HARNESS_WALK_H

#include "harness/files/fileset.h"

struct walk {
	bool (*wanted)(const char *name); /* of the files in a folder */
	bool deep;			  /* folders in folders too */
	bool once; /* a file that was met already, under whichever name, is left out */

	/* The result. */
	char **paths;
	size_t count, room;
	size_t refused;	      /* named on stderr, one line each */
	struct file_set seen; /* files, if `once`; and folders */
};

/* 0, or -ENOMEM after one line on stderr.  What is no file is counted in `refused`;
 * nothing was found if `count` stays as it is. */
int walk_add(struct walk *walk, const char *path);
void walk_release(struct walk *walk);

#endif
