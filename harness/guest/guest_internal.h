/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the guest share: guest.c (what a driver knows), guest_ops.c,
 * guest_memory.c and guest_host.c (operations), guest_config.c (configuration) and the
 * transports.
 */
#ifndef VRINGER_HARNESS_GUEST_INTERNAL_H
#define VRINGER_HARNESS_GUEST_INTERNAL_H

#include "harness/guest/guest.h"

/* The queue that a `notify` is about. */
uint64_t guest_notified(const struct guest *g, const struct op *op);

/* A call of the device has returned. */
void guest_returned(struct guest *g);
/* What a guest would see next; `ready`: of the selected queue as well. */
void guest_look(struct guest *g, bool queue, struct ledger_probe *probe);

/* The driver read a register: for the record. */
void guest_note_read(struct guest *g, uint32_t offset, uint64_t value);
/* A reset and the stop of a queue may take a device some steps, or some looks: its driver polls
 * until what `look` shows is 0, without steps so many times. */
#define GUEST_POLLS_MAX 16
void guest_poll(struct guest *g, uint32_t (*look)(const struct guest *g));

/* The default place of a part of a queue's ring. */
uint64_t guest_ring_place(const struct guest *g, unsigned queue, unsigned part);
/* Where that descriptor of a queue is; `index` is not checked against the queue's size. */
uint64_t guest_desc_place(const struct guest *g, unsigned queue, uint64_t index);
struct vring_desc;
/* Write one descriptor, given in the machine's own byte order: to a queue's table, or to an
 * indirect table of that queue's format. */
void guest_put_desc(struct guest *g, unsigned queue, uint64_t index, struct vring_desc desc);
void guest_put_table_desc(struct guest *g, unsigned queue, uint64_t at, struct vring_desc desc);
/* Make a head available. */
void guest_publish_head(struct guest *g, unsigned queue, uint16_t head);

/* Operations on memory; see guest_memory.c. */
void guest_store(struct guest *g, const struct program *prog, const struct op *op);
void guest_fill(struct guest *g, const struct program *prog, const struct op *op);
void guest_pattern(struct guest *g, const struct program *prog, const struct op *op);
void guest_unmap(struct guest *g, const struct program *prog, const struct op *op);
void guest_map(struct guest *g, const struct program *prog, const struct op *op);
void guest_buffer(struct guest *g, const struct program *prog, const struct op *op);
void guest_desc(struct guest *g, const struct program *prog, const struct op *op);
void guest_set_desc(struct guest *g, const struct program *prog, const struct op *op);
void guest_chain(struct guest *g, const struct program *prog, const struct op *op);
void guest_publish(struct guest *g, const struct program *prog, const struct op *op);
void guest_offer(struct guest *g, const struct program *prog, const struct op *op);
void guest_avail_idx(struct guest *g, const struct program *prog, const struct op *op);
void guest_avail_flags(struct guest *g, const struct program *prog, const struct op *op);
void guest_avail_entry(struct guest *g, const struct program *prog, const struct op *op);
void guest_used_event(struct guest *g, const struct program *prog, const struct op *op);
void guest_event_at(struct guest *g, const struct program *prog, const struct op *op);
/* Of a packed ring; nothing on a split one. */
void guest_put_entry(struct guest *g, const struct program *prog, const struct op *op);
void guest_move(struct guest *g, const struct program *prog, const struct op *op);
void guest_driver_event(struct guest *g, const struct program *prog, const struct op *op);

/* Operations of the host; see guest_host.c. */
void guest_type(struct guest *g, const struct program *prog, const struct op *op);
void guest_take_output(struct guest *g, const struct program *prog, const struct op *op);
void guest_put_back(struct guest *g, const struct program *prog, const struct op *op);
void guest_refuse(struct guest *g, const struct program *prog, const struct op *op);
void guest_hold(struct guest *g, const struct program *prog, const struct op *op);
void guest_pretend(struct guest *g, const struct program *prog, const struct op *op);
void guest_set_num_pages(struct guest *g, const struct program *prog, const struct op *op);
void guest_change_config(struct guest *g, const struct program *prog, const struct op *op);
/* The driver read `width` bytes of configuration, `value`, at `at`, and the generation
 * is `generation`: what else it reads as; see guest_config.c. */
void guest_look_at_config(struct guest *g, uint32_t at, uint32_t width, uint64_t value,
			  uint32_t generation);
/* The driver wrote there: is what it tells the device to be read there? */
void guest_look_at_told(struct guest *g, uint32_t at, uint32_t width);

#endif
