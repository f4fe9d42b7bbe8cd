/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The log of dirty pages that a device keeps (vringer.h, `logged`) against the pages that
 * it wrote to.  See run_internal.h.
 *
 * memory.logged: a log tells a migration which pages to send again, so one that is not in
 * it is lost.  Whatever the driver does, a device that writes can write down where; when it
 * does so, before the write or after, is its own affair until it rests.
 */
#include "harness/run/run_internal.h"

#include "harness/ledger/ledger_internal.h"

#define PAGE_SHIFT 12

void run_note_written(struct run *run, uint64_t addr, uint32_t len)
{
	uint64_t page = addr >> PAGE_SHIFT, last = (addr + (len - 1)) >> PAGE_SHIFT;

	for (; len > 0 && page <= last; page++) {
		unsigned i = 0;

		while (i < run->written_count && run->written[i] != page)
			i++;
		if (i == RUN_WRITTEN_MAX)
			return;
		run->written[i] = page;
		run->written_count += i == run->written_count;
	}
}

void run_judge_log(struct run *run)
{
	const struct target *target = run->guest.target;

	for (unsigned i = 0; i < run->written_count; i++)
		if (ledger_judges(&run->guest.ledger, RULE_MEMORY_LOGGED) &&
		    !target->logged(run->guest.device, run->written[i]))
			ledger_break(&run->guest.ledger, RULE_MEMORY_LOGGED,
				     "the device wrote to the page at 0x%llx, which is not in its "
				     "log of dirty pages",
				     (unsigned long long)run->written[i] << PAGE_SHIFT);
	run->written_count = 0;
}
