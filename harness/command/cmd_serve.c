/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vringer serve: a target as a vhost-user back-end for a driver in another process (Linux,
 * DPDK, QEMU), until the driver closes the connection.  See serve/serve.h.
 *
 * On stdout: the findings, and one line for programs, whatever happened:
 *   served: TARGET features=0x... chains=N interrupts=N findings=N programs=N
 */
#include "harness/command/cmd.h"
#include "harness/files/output.h"
#include "harness/run/report.h"
#include "harness/serve/serve.h"
#include "harness/target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct cmd_usage usage = {
	.files = "[TARGET]",
	.options = "tDX123645RSLNK",
	.help = "Serve a device at a Unix socket as a vhost-user back-end, to one driver: Linux, "
		"DPDK, QEMU.\n"
		"What the driver does is judged as a script is.  SIGUSR1 takes a snapshot and goes "
		"on with a new\n"
		"device from it; SIGTERM ends the session in order.  Lines on standard input, "
		"where "
		"it is no\n"
		"terminal, are operations of the host: `set_num_pages 64`, `type 0 68690a`.",
};

static volatile sig_atomic_t swap;

static void on_swap(int signal)
{
	swap = signal;
}

/* Signals are seen while waiting, and nowhere else. */
static void catch_signals(struct serve_options *serve)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };
	struct sigaction action = { .sa_handler = on_swap };
	sigset_t blocked;

	cmd_catch_signals();
	sigemptyset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	/* A driver that is gone is found out by writing. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&blocked, signals[i]);
	sigprocmask(SIG_BLOCK, &blocked, &serve->unblocked);
	serve->stop = &cmd_stop;
	serve->swap = &swap;
}

/* The descriptor with lines for the host; -1: there are none. */
static int host_lines(void)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) != O_WRONLY && !isatty(STDIN_FILENO) ? STDIN_FILENO
										      : -1;
}

static struct cmd_progress progress;

static void show_progress(uint64_t chains, uint64_t interrupts, unsigned findings)
{
	cmd_progress_show(&progress, "serve: %llu chains, %llu interrupts, %u findings",
			  (unsigned long long)chains, (unsigned long long)interrupts, findings);
}

/* Each finding as `run` prints it: those that fail, and behind a word those that do not. */
static void print_findings(const struct run *run, const struct judging *judging)
{
	for (unsigned i = 0; i < run->guest.ledger.finding_count; i++) {
		const struct finding *f = &run->guest.ledger.findings[i];
		const char *prefix = f->known != NULL ? "known: " : "warning: ";

		report_finding(stdout, finding_fails(f, judging) ? "" : prefix, f, NULL);
	}
}

/* Can the recording be written?  Before any work. */
static int check_record(const struct cmd_options *options)
{
	struct output_plan plan = { .inputs = { .count = 0 } };
	int err = 0;

	if (options->known_path != NULL)
		err = output_plan_input(&plan, options->known_path);
	if (err == 0 && options->record != NULL)
		err = output_plan_output(&plan, options->record, options->socket);
	output_plan_release(&plan);
	return err != 0 ? STATUS_USAGE : 0;
}

static int serve(const char *command, const struct target *target,
		 const struct cmd_options *options)
{
	struct serve_options serve = { .path = options->socket,
				       .features = UINT64_MAX,
				       .echo = options->echo,
				       .host = host_lines(),
				       .judging = target_judging(target, options->judging),
				       .transport = options->transport,
				       .record = options->record,
				       .note = options->note,
				       .record_max = options->record_max,
				       .progress = show_progress };
	struct serve_result result;
	struct text_error error;
	struct run *run;
	int err = run_open(&run, target, &error);

	if (err != 0) {
		fprintf(stderr, "%s %s: %s: %s\n", report_command, command, target->name,
			error.message[0] != '\0' ? error.message : strerror(-err));
		return STATUS_USAGE;
	}
	if (options->feature_mask != NULL)
		serve.features = options->features;
	catch_signals(&serve);
	cmd_progress_begin(&progress);
	err = serve_run(run, &serve, &result);
	cmd_progress_end(&progress);
	print_findings(run, &serve.judging);
	printf("served: %s features=0x%llx chains=%llu interrupts=%llu findings=%u programs=%u\n",
	       target->name, (unsigned long long)result.features, (unsigned long long)result.chains,
	       (unsigned long long)result.interrupts, result.finding_count, result.programs);
	run_close(run);
	/* What a rule says counts more than how the driver ended. */
	return result.failed ? STATUS_BROKEN : err != 0 ? STATUS_USAGE : STATUS_OK;
}

static const struct target *choose(const char *command, const struct cmd_options *options)
{
	const char *name = options->target;
	const struct target *target;

	if (options->file_count > 1 || (options->file_count == 1 && name != NULL)) {
		cmd_fail(command, "several targets were given, expected one");
		return NULL;
	}
	if (options->file_count == 1)
		name = options->files[0];
	target = target_find(name);
	if (target == NULL && name == NULL)
		cmd_fail(command, "no target");
	else if (target == NULL)
		fprintf(stderr, "%s %s: unknown target '%s', '%s targets' lists them\n",
			report_command, command, name, report_command);
	return target;
}

int cmd_serve(int argc, char **argv)
{
	struct cmd_options options;
	const struct target *target;
	int status = cmd_parse(&options, &usage, argc, argv);

	if (status != 0)
		return status - 1;
	if (options.socket == NULL)
		return cmd_fail(argv[0], "no --socket");
	target = choose(argv[0], &options);
	if (options.record == NULL && (options.record_max != 0 || options.note != NULL))
		return cmd_fail(argv[0], "--record-max and --note need --record");
	if (check_record(&options) != 0)
		return STATUS_USAGE;
	if (target == NULL || cmd_probe(argv[0], target) != 0)
		return STATUS_USAGE;
	return serve(argv[0], target, &options);
}
