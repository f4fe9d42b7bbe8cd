/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Defaults for what a target leaves out, and the check of its description.  See
 * target.h.
 */
#include "harness/target/target.h"

#include "devices/table.h"
#include "harness/program/clause.h"
#include "harness/rules/rules.h"

#include <linux/virtio_config.h>
#include <stddef.h>
#include <string.h>

enum device_state target_state(const struct target *target, const void *device)
{
	return (target->facts & FACT_STATE) != 0 ? target->state(device) : DEVICE_IDLE;
}

void target_work(const struct target *target, void *device)
{
	if (target->work != NULL)
		target->work(device);
}

bool target_precedes(const struct target *target, const char *id)
{
	return target->virtio != 0 && target->virtio < clause_since(id);
}

struct judging target_judging(const struct target *target, struct judging judging)
{
	judging.strict = judging.strict || target->strict;
	judging.limits = judging.limits || target->limits;
	for (unsigned i = 0; i < RULE_COUNT; i++)
		if (target_precedes(target, rule_table[i].clause))
			judging.newer[i / 64] |= 1ULL << i % 64;
	return judging;
}

unsigned target_counter_count(const struct target *target, const void *device)
{
	unsigned count = 0;

	if ((target->facts & FACT_COUNTERS) != 0)
		count = target->counter_count(device);
	return count < TARGET_COUNTERS_MAX ? count : TARGET_COUNTERS_MAX;
}

void target_counters(const struct target *target, const void *device, uint64_t *values)
{
	if ((target->facts & FACT_COUNTERS) != 0)
		target->counters(device, values);
}

int target_probe(const struct target *target, char *what)
{
	return target->probe != NULL ? target->probe(target, what) : 0;
}

static void (*watcher)(void);

void target_watch_waits(void (*waits)(void))
{
	watcher = waits;
}

void target_waits(void)
{
	if (watcher != NULL)
		watcher();
}

const char *target_unusable(const struct target *target)
{
	return target->unusable != NULL ? target->unusable(target) : NULL;
}

bool target_is_plain(const struct target *target)
{
	return (target->facts & TARGET_MEMORY) == TARGET_PLAIN;
}

bool target_is_gauge(const struct target *target, const char *counter)
{
	size_t len = strlen(counter);
	const char *at = target->gauges;

	while (at != NULL && *at != '\0') {
		if (strncmp(at, counter, len) == 0 && (at[len] == ' ' || at[len] == '\0'))
			return true;
		at = strchr(at, ' ');
		at = at != NULL ? at + 1 : NULL;
	}
	return false;
}

uint32_t target_host(const struct target *target, void *device, enum host_act act, unsigned port,
		     void *data, uint32_t len)
{
	return target->host != NULL ? target->host(device, act, port, data, len) : 0;
}

void target_order(const struct target *target, void *device, enum host_order order, unsigned port,
		  uint32_t count, uint32_t amount)
{
	if (target->order != NULL)
		target->order(device, order, port, count, amount);
}

unsigned target_request_count(const struct target *target, unsigned queue)
{
	unsigned count = 0;

	for (unsigned i = 0; i < target->request_count; i++)
		count += target->requests[i].name != NULL && target->requests[i].queue == queue;
	return count;
}

const struct target_request *target_request(const struct target *target, unsigned queue,
					    unsigned which)
{
	const struct target_request *first = NULL;

	for (unsigned i = 0; i < target->request_count; i++) {
		const struct target_request *request = &target->requests[i];

		if (request->name == NULL || request->queue != queue)
			continue;
		if (which-- == 0)
			return request;
		first = first != NULL ? first : request;
	}
	return first;
}

void *target_create(const struct target *target, const struct device_host *host,
		    struct features offered, const uint16_t *queue_max)
{
	if (target->offer_high != NULL)
		target->offer_high(target, offered.high);
	return target->create(target, host, offered.low, queue_max);
}

/* A number of one or two digits, which is all of it; or -1. */
static int small_number(const char *digits, size_t len)
{
	int number = 0;

	if (len == 0 || len > 2 || (len == 2 && digits[0] == '0'))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -1;
		number = 10 * number + (digits[i] - '0');
	}
	return number;
}

int target_chains_term(const char *term, size_t len, enum target_chains *kind)
{
	TABLE(static const char *const, names, CHAINS_KINDS, 1,
	      [CHAINS_USED] = "used.",
	      [CHAINS_READABLE] = "readable.",
	      [CHAINS_WRITABLE] = "writable.",
	      [CHAINS_LARGE] = "large.",
	      [CHAINS_WRITTEN] = "written.",
	      [CHAINS_NONE] = "none.",
	      [CHAINS_BYTES] = "written_bytes.",
	      [CHAINS_FAILED] = "failed.",
	      [CHAINS_POISONED] = "poisoned.",
	      [CHAINS_CHANGES] = "config_changes");

	for (unsigned i = 0; i < CHAINS_KINDS; i++) {
		size_t prefix = strlen(names[i]);

		if (len < prefix || memcmp(term, names[i], prefix) != 0)
			continue;
		*kind = (enum target_chains)i;
		if (i == CHAINS_CHANGES)
			return len == prefix ? 0 : -1;
		return small_number(term + prefix, len - prefix);
	}
	return -1;
}

#define FACTOR_DIGITS 6u

uint32_t target_term_factor(const char **term)
{
	size_t digits = strspn(*term, "0123456789");
	uint32_t factor = 0;

	if (digits == 0 || digits > FACTOR_DIGITS || (*term)[0] == '0' || (*term)[digits] != '*')
		return 1;
	for (size_t i = 0; i < digits; i++)
		factor = 10 * factor + (uint32_t)((*term)[i] - '0');
	*term += digits + 1;
	return factor;
}

static bool is_name(const char *name)
{
	return name != NULL && name[0] != '\0' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool is_field(const struct target *target, const struct target_field *field)
{
	return field->name != NULL && field->width > 0 && field->width <= 8 &&
	       (field->width & (field->width - 1)) == 0 &&
	       target_field_end(field) <= target->config_len;
}

/* Which a user could not tell from it. */
static bool has_namesake(const struct target *target, const struct target_request *request)
{
	for (const struct target_request *other = target->requests; other < request; other++)
		if (other->name != NULL && other->queue == request->queue &&
		    strcmp(other->name, request->name) == 0)
			return true;
	return false;
}

static const char *request_fault(const struct target *target, const struct target_request *request)
{
	uint32_t end;

	if (request->queue >= target->queue_count)
		return "has a request for a queue that it does not have";
	if (request->len > 0 && request->bytes == NULL)
		return "has a request without the bytes that it declares";
	if (request->name == NULL)
		return NULL;
	if (!is_name(request->name))
		return "has a request with a name that is not made of letters a to z, digits and "
		       "'-'";
	if (strlen(request->name) > TARGET_REQUEST_NAME_MAX)
		return "has a request with a name of more than 40 letters";
	if (has_namesake(target, request))
		return "has two requests of one name on one queue";
	if ((request->features & request->features_off) != 0 ||
	    (request->features_off >> VIRTIO_F_VERSION_1 & 1) != 0)
		return "has a request that needs a feature both on and off, or VERSION_1 off";
	if ((request->features & ~target->features) != 0)
		return "has a request that needs a feature that is not offered";
	if (request->len + (uint64_t)request->room - 1 >= TARGET_REQUEST_BYTES_MAX)
		return "has a request of no bytes, or of more than 16384";
	if (request->used_min > request->used_max || request->used_max > request->room)
		return "has a request whose used length does not lie between 0 and the bytes that "
		       "the device may write";
	if (request->answer_count > 0 && request->answer == NULL)
		return "has a request without the answer that it declares";
	for (unsigned i = 0; i < request->answer_count; i++)
		if (request->answer[i].bytes == NULL ||
		    __builtin_add_overflow(request->answer[i].offset, request->answer[i].len,
					   &end) ||
		    end > request->room)
			return "has a request whose answer passes what the device may write";
	return NULL;
}

static bool has_all_calls(const struct target_calls *calls)
{
#define HAS_LOOK(type, name, parameters, arguments) &&calls->name != NULL
#define HAS_ACT(name, parameters, arguments) &&calls->name != NULL
	return true TARGET_CALLS(HAS_LOOK, HAS_ACT);
}

const char *target_fault(const struct target *target)
{
	if (!is_name(target->name))
		return "has a name that is not made of letters a to z, digits and '-'";
	if (target->help == NULL)
		return "has no help";
	if (target->queue_count > 0 && target->queues == NULL)
		return "has a queue_count but no queues";
	if (target->create == NULL || target->destroy == NULL)
		return "lacks create or destroy";
	if (target->read == NULL || target->write == NULL)
		return "lacks register reads or writes";
	if (target->features_high != 0 && target->offer_high == NULL)
		return "has features_high without offer_high";
	if (target->calls != NULL && !has_all_calls(target->calls))
		return "is reached without registers and lacks one of the calls";
	if ((target->facts & FACT_STATE) != 0 && target->state == NULL)
		return "declares FACT_STATE without state";
	if ((target->facts & FACT_COUNTERS) != 0 &&
	    (target->counter_count == NULL || target->counter_name == NULL ||
	     target->counters == NULL))
		return "declares FACT_COUNTERS without counters";
	if (target->port_count > TARGET_PORTS_MAX)
		return "has too many ports";
	if (target->port_count > 0 && (target->ports == NULL || target->host == NULL))
		return "has ports without a description, or without a host that serves them";
	if (target->stream_count > TARGET_STREAMS_MAX)
		return "has too many streams";
	if (target->stream_count > 0 && target->streams == NULL)
		return "has a stream_count but no streams";
	if (target->field_count > TARGET_FIELDS_MAX)
		return "has too many fields";
	for (unsigned i = 0; i < target->field_count; i++)
		if (!is_field(target, &target->fields[i]))
			return "has a field without a name, of no width, or past the end of its "
			       "configuration";
	if (target->request_count > TARGET_REQUESTS_MAX)
		return "has more than 64 requests";
	for (unsigned i = 0; i < target->request_count; i++)
		if (request_fault(target, &target->requests[i]) != NULL)
			return request_fault(target, &target->requests[i]);
	if ((target->save == NULL) != (target->restore == NULL))
		return "has only one of save and restore";
	if (target->has_num_pages && target->host == NULL)
		return "has has_num_pages without a host that sets it";
	if (target->changes_config && target->host == NULL)
		return "has changes_config without a host that changes it";
	if (target->dialogue != NULL && (target->dialogue->ask_count > TARGET_ANSWERS_MAX ||
					 target->dialogue->answer_count > TARGET_ANSWERS_MAX))
		return "has too many messages";
	return NULL;
}

static const struct target *(*find_also)(const char *name);

void target_find_also(const struct target *(*find)(const char *name))
{
	find_also = find;
}

const struct target *target_find(const char *name)
{
	const struct target *const *t = target_all();

	if (name == NULL)
		return t[0] != NULL && t[1] == NULL ? t[0] : NULL;
	for (; *t != NULL; t++)
		if (strcmp((*t)->name, name) == 0)
			return *t;
	return find_also != NULL ? find_also(name) : NULL;
}
