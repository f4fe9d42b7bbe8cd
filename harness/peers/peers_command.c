/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Which program a peer is, and the words of its command line.  See peers.h.
 *
 * Nothing is started here, and no shell is asked: a user's command is split into words as
 * a shell would split it, and nothing in it is expanded but the link's words in braces.
 */
#include "harness/peers/peers.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEERS_MAX 64u
#define WORDS_MAX 256u /* of a user's command */
#define ARGV_MAX (2 * WORDS_MAX)

static const char blanks[] = " \t\n";

/* What is known of a peer's program. */
static struct choice {
	const struct peer *peer; /* NULL: not in use */
	char *text;		 /* the user's command, as it was given; or NULL */
	char **words;		 /* ... and its words, ended by NULL */
	bool whole;		 /* ... and a word in braces stands in it */
	char *path;		 /* what was found in PATH */
} choices[PEERS_MAX];

/* NULL: there are more peers than PEERS_MAX. */
static struct choice *choice_of(const struct peer *peer)
{
	size_t i = 0;

	while (i < PEERS_MAX && choices[i].peer != NULL && choices[i].peer != peer)
		i++;
	if (i == PEERS_MAX)
		return NULL;
	choices[i].peer = peer;
	return &choices[i];
}

const char *peer_command(const struct peer *peer)
{
	const struct choice *choice = choice_of(peer);

	return choice != NULL ? choice->text : NULL;
}

static void free_words(char **words)
{
	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		free(words[i]);
	free(words);
}

/* One word of a command, which begins at *at, into `word`, which has room for all of it;
 * *at is then behind it.  false: a quote is not closed. */
static bool take_word(const char **at, char *word)
{
	const char *p = *at;
	char quote = '\0';

	for (; *p != '\0' && (quote != '\0' || strchr(blanks, *p) == NULL); p++) {
		if (quote == '\0' && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (quote != '\0' && *p == quote)
			quote = '\0';
		else if (*p == '\\' && quote != '\'' && p[1] != '\0')
			*word++ = *++p;
		else
			*word++ = *p;
	}
	*word = '\0';
	*at = p;
	return quote == '\0';
}

static int split(const char *command, char **words, char *why, size_t why_size)
{
	size_t count = 0;

	for (;;) {
		command += strspn(command, blanks);
		if (*command == '\0')
			break;
		if (count == WORDS_MAX) {
			snprintf(why, why_size, "has more than %u words", WORDS_MAX);
			return -EINVAL;
		}
		words[count] = malloc(strlen(command) + 1);
		if (words[count] == NULL)
			return -ENOMEM;
		if (!take_word(&command, words[count++])) {
			snprintf(why, why_size, "has a quote that is not closed");
			return -EINVAL;
		}
	}
	if (count > 0 && words[0][0] != '\0')
		return 0;
	snprintf(why, why_size, "names no program");
	return -EINVAL;
}

/* "{socket}", anywhere in a word: braces around letters. */
static bool has_braces(const char *word)
{
	for (; (word = strchr(word, '{')) != NULL; word++) {
		size_t len = strspn(word + 1, "abcdefghijklmnopqrstuvwxyz-");

		if (len > 0 && word[1 + len] == '}')
			return true;
	}
	return false;
}

int peer_use_command(const struct peer *peer, const char *command, char *why, size_t why_size)
{
	struct choice *choice = choice_of(peer);
	char *text = strdup(command);
	char **words = calloc(WORDS_MAX + 1, sizeof(*words));
	int err = -ENOMEM;

	if (choice != NULL && text != NULL && words != NULL)
		err = split(command, words, why, why_size);
	if (err != 0) {
		free(text);
		free_words(words);
		return err;
	}
	free(choice->text);
	free_words(choice->words);
	choice->text = text;
	choice->words = words;
	choice->whole = false;
	for (size_t i = 0; words[i] != NULL; i++)
		choice->whole = choice->whole || has_braces(words[i]);
	return 0;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* As execvp looks for it.  An empty folder of PATH is the current one. */
static bool find_in_path(const char *name, char *path, size_t size)
{
	const char *folders = getenv("PATH");

	if (folders == NULL)
		folders = "/bin:/usr/bin";
	for (;;) {
		size_t len = strcspn(folders, ":");

		snprintf(path, size, "%.*s/%s", len > 0 ? (int)len : 1, len > 0 ? folders : ".",
			 name);
		if (is_program(path))
			return true;
		if (folders[len] == '\0')
			return false;
		folders += len + 1;
	}
}

/* "unix:PATH": nothing is started, somebody listens there. */
static bool is_there(const char *name)
{
	return strncmp(name, "unix:/", 6) == 0;
}

const char *peer_program(const struct peer *peer)
{
	struct choice *choice = choice_of(peer);
	const char *name;
	char path[PATH_MAX];

	if (choice == NULL)
		return NULL;
	name = choice->words != NULL ? choice->words[0] : peer->program;
	if (is_there(name))
		return name;
	if (strchr(name, '/') != NULL)
		return is_program(name) ? name : NULL;
	if (!find_in_path(name, path, sizeof(path)))
		return NULL;
	/* What was returned before stays where it is as long as it is the same. */
	if (choice->path == NULL || strcmp(choice->path, path) != 0) {
		free(choice->path);
		choice->path = strdup(path);
	}
	return choice->path;
}

void peer_missing(const struct peer *peer, char *line, size_t size)
{
	const struct choice *choice = choice_of(peer);

	if (choice != NULL && choice->words != NULL)
		snprintf(line, size, "%s: there is no such program", choice->words[0]);
	else if (peer->package == NULL)
		snprintf(line, size, "a backend of yours, expected its command line by --command");
	else
		snprintf(line, size, "%s is not there, expected Debian's package %s, or --command",
			 peer->program, peer->package);
}

/* A word with what stands for its braces; NULL: no memory. */
static char *expand(const char *word, const struct peer_word *list)
{
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	while (*word != '\0') {
		const struct peer_word *w = list;

		while (w != NULL && w->name != NULL && strncmp(word, w->name, strlen(w->name)) != 0)
			w++;
		if (w != NULL && w->name != NULL) {
			fputs(w->value, out);
			word += strlen(w->name);
		} else {
			fputc(*word++, out);
		}
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Add a word; false: no memory, or no room. */
static bool add(char **argv, size_t *count, char *word)
{
	if (*count == ARGV_MAX || word == NULL) {
		free(word);
		return false;
	}
	argv[(*count)++] = word;
	return true;
}

/* The entry's own arguments. */
static bool add_arguments(char **argv, size_t *count, const char *text,
			  const struct peer_word *words)
{
	for (;;) {
		size_t len;
		char *word;
		bool added;

		text += strspn(text, blanks);
		len = strcspn(text, blanks);
		if (len == 0)
			return true;
		word = strndup(text, len);
		added = word != NULL && add(argv, count, expand(word, words));
		free(word);
		if (!added)
			return false;
		text += len;
	}
}

char **peer_argv(const struct peer *peer, const struct peer_word *words)
{
	const struct choice *choice = choice_of(peer);
	const char *program = peer_program(peer);
	char **argv = calloc(ARGV_MAX + 1, sizeof(*argv));
	size_t count = 0;
	bool fits = argv != NULL && program != NULL && add(argv, &count, strdup(program));

	for (size_t i = 1; fits && choice->words != NULL && choice->words[i] != NULL; i++)
		fits = add(argv, &count, expand(choice->words[i], words));
	if (fits && !choice->whole && peer->arguments != NULL)
		fits = add_arguments(argv, &count, peer->arguments, words);
	if (fits)
		return argv;
	free_words(argv);
	return NULL;
}

void peer_argv_free(char **argv)
{
	free_words(argv);
}
