/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What may become of a FUSE request to map into the DAX window or to take something out of it,
 * by the body that the device read (VIRTIO 5.11.6.4.1, <linux/fuse.h>).  See ledger_fuse.c;
 * which requests have bodies is said there.
 */
#include "harness/ledger/ledger_internal.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stddef.h>

#define IN_HEAD ((uint32_t)sizeof(struct fuse_in_header))
#define UNMAP_IN ((uint32_t)sizeof(struct fuse_removemapping_in))
#define UNMAP_ONE ((uint32_t)sizeof(struct fuse_removemapping_one))
#define GUEST_PAGE 4096u
/* As many as a driver lists at most, FUSE_REMOVEMAPPING_MAX_ENTRY of that page. */
#define UNMAP_MAX (GUEST_PAGE / UNMAP_ONE)

static uint32_t get32(const struct ledger_hold *hold, size_t at, bool big)
{
	uint32_t value = ledger_get32(hold->fuse.request.bytes + at);

	return big ? __builtin_bswap32(value) : value;
}

static uint64_t get64(const struct ledger_hold *hold, size_t at, bool big)
{
	uint64_t value = ledger_get64(hold->fuse.request.bytes + IN_HEAD + at);

	return big ? __builtin_bswap64(value) : value;
}

/* The end of the DAX window, VIRTIO 5.11.6.4: shared-memory region 0; 0: there is none. */
static uint64_t window_len(const struct ledger *l)
{
	for (unsigned i = 0; i < l->target->region_count; i++)
		if (l->target->regions[i].id == 0)
			return l->target->regions[i].len;
	return 0;
}

/* A file has no byte at 2^63 or beyond.  Offsets that are of whole pages are aligned as our own
 * models ask. */
const char *fuse_mapping_fault(const struct ledger *l, const struct ledger_hold *hold, int32_t told,
			       bool big)
{
	uint64_t at = get64(hold, offsetof(struct fuse_setupmapping_in, moffset), big);
	uint64_t len = get64(hold, offsetof(struct fuse_setupmapping_in, len), big);
	uint64_t file = get64(hold, offsetof(struct fuse_setupmapping_in, foffset), big);
	uint64_t end = window_len(l);
	bool within = at <= end && len <= end - at;
	bool there = file <= INT64_MAX && len <= INT64_MAX - file;

	if (told == 0 && !within)
		return "that grants a mapping beyond the end of the window";
	if (told == 0 && !there)
		return "that grants a mapping of bytes that no file has";
	if (told == -EINVAL && within && there && len > 0 && (at | file) % GUEST_PAGE == 0)
		return "that refuses a mapping for nothing";
	return NULL;
}

/* What a FUSE_REMOVEMAPPING lists, as far as it is kept: is all of it beyond doubt? */
static const char *listed_fault(const struct ledger *l, const struct ledger_hold *hold,
				uint32_t count, bool granted, bool big)
{
	const uint64_t end = window_len(l);
	uint32_t known = (hold->fuse.request.len - IN_HEAD - UNMAP_IN) / UNMAP_ONE;
	bool plain = count > 0 && count <= known;

	for (uint32_t i = 0; i < count && i < known; i++) {
		const size_t one = UNMAP_IN + (size_t)i * UNMAP_ONE;
		uint64_t at =
			get64(hold, one + offsetof(struct fuse_removemapping_one, moffset), big);
		uint64_t len = get64(hold, one + offsetof(struct fuse_removemapping_one, len), big);
		bool within = at <= end && len <= end - at;

		if (granted && !within)
			return "that removes a mapping beyond the end of the window";
		plain = plain && within && len > 0 && (at | len) % GUEST_PAGE == 0;
	}
	return plain && !granted ? "that refuses to remove a mapping for nothing" : NULL;
}

/* A list that its count says nothing against is not refused as invalid before any of it was read:
 * a list that cannot be read is another error, and is not judged. */
static bool is_refused_unread(const struct ledger *l, const struct ledger_hold *hold,
			      uint32_t count)
{
	return window_len(l) > 0 && count > 0 && count <= UNMAP_MAX &&
	       hold->fuse.request.len == IN_HEAD + UNMAP_IN;
}

const char *fuse_unmapping_fault(const struct ledger *l, const struct ledger_hold *hold,
				 int32_t told, bool big)
{
	uint32_t count = get32(hold, IN_HEAD + offsetof(struct fuse_removemapping_in, count), big);

	if (told != 0 && told != -EINVAL)
		return NULL;
	if (count > (get32(hold, offsetof(struct fuse_in_header, len), big) - IN_HEAD - UNMAP_IN) /
			    UNMAP_ONE)
		return told == 0 ? "that removes more mappings than the request lists" : NULL;
	if (told == -EINVAL && is_refused_unread(l, hold, count))
		return "that refuses to remove mappings that it has not read";
	return listed_fault(l, hold, count, told == 0, big);
}
