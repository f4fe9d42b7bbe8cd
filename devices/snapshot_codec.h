/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Numbers in and out of a snapshot, little-endian: what the transport's part and
 * the models' parts are written with.
 *
 * Reading is done twice, by the same code: first to check, then, with `commit`,
 * to take over.  The first error sticks: from then on everything reads 0.
 */
#ifndef VRINGER_DEVICES_SNAPSHOT_CODEC_H
#define VRINGER_DEVICES_SNAPSHOT_CODEC_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct snapshot_view;

struct snapshot_out {
	uint8_t *bytes;
	size_t room, len; /* len goes on past room, bytes do not */
};

struct snapshot_in {
	const uint8_t *bytes;
	size_t len, at;
	size_t last; /* what was read last begins there */
	bool commit;
	int err; /* 0 or negative errno */
	size_t bad_at;
	const char *bad;
};

/* `count` numbers of 8 bytes. */
void snapshot_put_words(struct snapshot_out *out, const uint64_t *values, unsigned count);
void snapshot_put_bytes(struct snapshot_out *out, const void *bytes, size_t len);
/* Where the next `len` bytes go, for the caller to write; NULL if there is no room. */
uint8_t *snapshot_put_room(struct snapshot_out *out, size_t len);

/* A number of `width` bytes: 1, 2, 4 or 8.  Under a fuzzing engine devices are saved and
 * restored all the time, and most of what is in them is numbers: a copy is cheap where the
 * compiler knows how long it is. */
static inline void snapshot_put(struct snapshot_out *out, unsigned width, uint64_t value)
{
	const uint64_t bytes = htole64(value);
	uint8_t *to = snapshot_put_room(out, width);

	if (to)
		memcpy(to, &bytes, width);
}

/* One of at most `max`, else `what` is wrong. */
uint64_t snapshot_get_max(struct snapshot_in *in, unsigned width, uint64_t max, const char *what);
/* `count` numbers of 8 bytes, which are taken over into `values` with `commit`. */
void snapshot_get_words(struct snapshot_in *in, uint64_t *values, unsigned count);
/* The next `len` bytes, where they lie; NULL if there are not so many. */
const uint8_t *snapshot_get_bytes(struct snapshot_in *in, size_t len);

static inline uint64_t snapshot_get(struct snapshot_in *in, unsigned width)
{
	const uint8_t *bytes = snapshot_get_bytes(in, width);
	uint64_t value = 0;

	if (bytes)
		memcpy(&value, bytes, width);
	return le64toh(value);
}

/* What was read at `at` cannot be. */
void snapshot_bad(struct snapshot_in *in, size_t at, int err, const char *what);
/* ... what was read last. */
void snapshot_bad_last(struct snapshot_in *in, const char *what);

/* For models that keep no chain from one call to the next: there is none that was
 * taken and neither returned nor lost. */
void snapshot_check_none_held(struct snapshot_in *in, const struct snapshot_view *view,
			      unsigned queue_count);
/* A counter that tells how much is held now tells what was found to be held. */
void snapshot_check_gauge(struct snapshot_in *in, const struct snapshot_view *view,
			  unsigned counter, uint64_t held);

#endif
