/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Snapshots of the device in a run: taken, altered, and given to a new device
 * that takes the old one's place.
 *
 * snapshot.refused   what the device saved it restores, and a snapshot that is
 *                    refused leaves the new device as it was
 * snapshot.same      the restored device shows what the saved one showed, and so does
 *                    the saved one; it saves what it was restored from
 * snapshot.possible  of an altered one, a device takes only what it could have saved
 * snapshot.carry-on  the rest of the program goes as without (see twin.h)
 */
#ifndef VRINGER_HARNESS_SNAPSHOT_H
#define VRINGER_HARNESS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run;

/* The console's buffers, and what is small. */
#define SNAPSHOT_MAX ((4u << 20) + (64u << 10))

/* Of a new device. */
#define SNAPSHOT_NEW_MAX (64u << 10)

enum snapshot_outcome { SNAPSHOT_NONE, SNAPSHOT_RESTORED, SNAPSHOT_REFUSED };

struct snapshot {
	uint8_t *bytes; /* room for SNAPSHOT_MAX */
	size_t len;	/* 0: there is none */
	bool altered;
	size_t intact; /* bytes at the beginning that are as they were saved */
	bool same;     /* a device that was restored from these bytes saved them again */
	uint32_t call; /* of the device, the last before it was taken */
	/* What came of the last restore. */
	enum snapshot_outcome outcome;
	size_t refused_at;
};

/* The device's state as bytes in run->snapshots[i]; false where there are no
 * snapshots of this target, or they are too large. */
bool snapshot_take(struct run *run, unsigned i);
/* run->snapshots[i] into a new device, which then is the run's.  `clean`: it is of
 * the device as it is, and what comes of it is judged. */
void snapshot_restore_run(struct run *run, unsigned i, bool clean);

/* What no device of ours that the run has could have saved; NULL if there is nothing
 * such in the transport's part.  `at`: which byte. */
const char *snapshot_impossible(const struct run *run, const struct snapshot *s, size_t *at);

#endif
