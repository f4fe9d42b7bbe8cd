/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Wrap a target so that its calls are recorded: which call the device is in, and how
 * many there were.  So the parent knows whether the device or the harness is using time.
 * Only a run in a child pays for this.  See child_internal.h.
 */
#include "harness/run/child_internal.h"

static const struct target *given;
static struct target counted;
/* The parent reads it while the child runs. */
static volatile struct child_shared *place;

static void enter(enum child_call call)
{
	place->calls++;
	place->inside = (uint32_t)call;
}

static void leave(void)
{
	place->inside = CALL_NONE;
}

/* As if the call began now. */
static void go_on(void)
{
	place->calls++;
}

static void *count_create(const struct target *target, const struct device_host *host,
			  uint64_t offered, const uint16_t *queue_max)
{
	void *device;

	(void)target;
	enter(CALL_CREATE);
	device = given->create(given, host, offered, queue_max);
	leave();
	return device;
}

static void count_destroy(void *device)
{
	enter(CALL_DESTROY);
	given->destroy(device);
	leave();
}

static void count_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	enter(CALL_READ);
	given->read(device, offset, buf, len);
	leave();
}

static void count_write(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	enter(CALL_WRITE);
	given->write(device, offset, buf, len);
	leave();
}

#define CALLEE device
#define COUNT_LOOK(type, name, parameters, arguments)                                              \
	static type count_call_##name parameters                                                   \
	{                                                                                          \
		type value;                                                                        \
                                                                                                   \
		enter(CALL_LOOK);                                                                  \
		value = given->calls->name arguments;                                              \
		leave();                                                                           \
		return value;                                                                      \
	}
#define COUNT_ACT(name, parameters, arguments)                                                     \
	static void count_call_##name parameters                                                   \
	{                                                                                          \
		enter(CALL_ACT);                                                                   \
		given->calls->name arguments;                                                      \
		leave();                                                                           \
	}
TARGET_CALLS(COUNT_LOOK, COUNT_ACT)

static const struct target_calls counted_calls = {
#define COUNT_CALL(type, name, parameters, arguments) .name = count_call_##name,
#define COUNT_CALL_ACT(name, parameters, arguments) .name = count_call_##name,
	TARGET_CALLS(COUNT_CALL, COUNT_CALL_ACT)
};

static void count_work(void *device)
{
	enter(CALL_WORK);
	given->work(device);
	leave();
}

static enum device_state count_state(const void *device)
{
	enum device_state state;

	enter(CALL_STATE);
	state = given->state(device);
	leave();
	return state;
}

static uint32_t count_host(void *device, enum host_act act, unsigned port, void *data, uint32_t len)
{
	uint32_t moved;

	enter(CALL_HOST);
	moved = given->host(device, act, port, data, len);
	leave();
	return moved;
}

static size_t count_save(const void *device, void *out, size_t room)
{
	size_t len;

	enter(CALL_SAVE);
	len = given->save(device, out, room);
	leave();
	return len;
}

static int count_restore(void *device, const void *data, size_t len, size_t *at, const char **what)
{
	int err;

	enter(CALL_RESTORE);
	err = given->restore(device, data, len, at, what);
	leave();
	return err;
}

static void count_counters(const void *device, uint64_t *values)
{
	enter(CALL_COUNTERS);
	given->counters(device, values);
	leave();
}

static bool count_hung(const void *device)
{
	bool hung;

	enter(CALL_STATE);
	hung = given->hung(device);
	leave();
	return hung;
}

static uint32_t count_waiting(const void *device)
{
	uint32_t waiting;

	enter(CALL_STATE);
	waiting = given->waiting(device);
	leave();
	return waiting;
}

static void count_order(void *device, enum host_order order, unsigned port, uint32_t count,
			uint32_t amount)
{
	enter(CALL_HOST);
	given->order(device, order, port, count, amount);
	leave();
}

static void count_listen(void *device, const struct target_listener *listener)
{
	enter(CALL_CREATE);
	given->listen(device, listener);
	leave();
}

static void count_inherit(void *device, void *old)
{
	enter(CALL_RESTORE);
	given->inherit(device, old);
	leave();
}

static unsigned count_counter_count(const void *device)
{
	unsigned count;

	enter(CALL_COUNTERS);
	count = given->counter_count(device);
	leave();
	return count;
}

static const char *count_counter_name(const void *device, unsigned index)
{
	const char *name;

	enter(CALL_COUNTERS);
	name = given->counter_name(device, index);
	leave();
	return name;
}

const struct target *child_calls(const struct target *target, struct child_shared *shared)
{
	given = target;
	place = shared;
	target_watch_waits(go_on);
	counted = *target;
	counted.create = count_create;
	counted.destroy = count_destroy;
	counted.read = count_read;
	counted.write = count_write;
	counted.calls = target->calls != NULL ? &counted_calls : NULL;
	counted.work = target->work != NULL ? count_work : NULL;
	counted.state = target->state != NULL ? count_state : NULL;
	counted.host = target->host != NULL ? count_host : NULL;
	counted.save = target->save != NULL ? count_save : NULL;
	counted.restore = target->restore != NULL ? count_restore : NULL;
	counted.counters = target->counters != NULL ? count_counters : NULL;
	counted.counter_count = target->counter_count != NULL ? count_counter_count : NULL;
	counted.counter_name = target->counter_name != NULL ? count_counter_name : NULL;
	counted.hung = target->hung != NULL ? count_hung : NULL;
	counted.waiting = target->waiting != NULL ? count_waiting : NULL;
	counted.order = target->order != NULL ? count_order : NULL;
	counted.listen = target->listen != NULL ? count_listen : NULL;
	counted.inherit = target->inherit != NULL ? count_inherit : NULL;
	return &counted;
}

const char *child_call_name(enum child_call call)
{
	static const char *const names[] = {
		[CALL_NONE] = "nothing",
		[CALL_CREATE] = "create",
		[CALL_DESTROY] = "destroy",
		[CALL_READ] = "a register read",
		[CALL_WRITE] = "a register write",
		[CALL_LOOK] = "a look of the driver's",
		[CALL_ACT] = "an act of the driver's",
		[CALL_WORK] = "work",
		[CALL_STATE] = "state",
		[CALL_HOST] = "an act of the host",
		[CALL_SAVE] = "save",
		[CALL_RESTORE] = "restore",
		[CALL_COUNTERS] = "counters",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == CALL_COUNT, "a name for each call");
	return names[call];
}
