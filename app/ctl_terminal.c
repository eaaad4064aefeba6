/* SPDX-License-Identifier: BSD-3-Clause */
/* mcrctl on a terminal: line editing, history and TAB. */
#include "ctl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <histedit.h>
#include <jansson.h>

static char *
prompt(EditLine *el)
{
	static char text[96];
	struct ctl *c;

	el_get(el, EL_CLIENTDATA, &c);
	snprintf(text, sizeof(text), "%s%s# ", c->name, c->is_batch ? "(batch)" : "");
	return text;
}

/* Of one word the rest is inserted, of several the common beginning, else they are listed. */
static unsigned char
complete_key(EditLine *el, int key)
{
	const LineInfo *info = el_line(el);
	char line[CTL_LINE_SIZE], insert[CTL_LINE_SIZE];
	size_t typed = 0, common = 0;
	unsigned n_words = 0;
	struct ctl *c;
	int status;

	el_get(el, EL_CLIENTDATA, &c);
	snprintf(line, sizeof(line), "%.*s", (int)(info->cursor - info->buffer), info->buffer);
	while (typed < strlen(line) && !isblank((unsigned char)line[strlen(line) - typed - 1]))
		typed++;
	if (ctl_try_request(c, "complete", line, &status, ctl_now() + 2) != 0 || status != CTL_OK)
		return CC_ERROR;
	for (char *word = c->answer; *word != '\0'; n_words++) {
		const size_t len = strcspn(word, "\n");
		size_t same = 0;

		while (n_words > 0 && same < common && same < len && word[same] == c->answer[same])
			same++;
		common = n_words == 0 ? len : same;
		word += len + (word[len] == '\n');
	}
	if (n_words == 0 || typed > common)
		return CC_ERROR;
	if (n_words == 1 || common > typed) {
		snprintf(insert, sizeof(insert), "%.*s%s", (int)(common - typed), c->answer + typed,
			n_words == 1 ? " " : "");
		el_insertstr(el, insert);
		return CC_REFRESH;
	}
	fputc('\n', stdout);
	for (char *word = strtok(c->answer, "\n"); word != NULL; word = strtok(NULL, "\n"))
		printf(" %s", word);
	puts("");
	return CC_REDISPLAY;
}

/* The appliance's name, for the prompt. */
static void
ask_name(struct ctl *c)
{
	json_t *root;
	int status;

	snprintf(c->name, sizeof(c->name), "mcr");
	if (ctl_try_request(c, "json", "show status", &status, ctl_now() + 2) != 0 ||
		status != CTL_OK)
		return;
	root = json_loadb(c->answer, c->answer_len, 0, NULL);
	if (json_is_string(json_object_get(root, "name")))
		snprintf(c->name, sizeof(c->name), "%s",
			json_string_value(json_object_get(root, "name")));
	json_decref(root);
}

int
ctl_run_terminal(struct ctl *c)
{
	const int error = ctl_connect(c);
	EditLine *el;
	History *past;
	HistEvent ev;
	const char *text;
	char line[CTL_LINE_SIZE];
	int n;

	if (error != 0) {
		ctl_complain_unreachable(c, error);
		return CTL_UNREACHABLE;
	}
	ask_name(c);
	el = el_init("mcrctl", stdin, stdout, stderr);
	past = history_init();
	if (el == NULL || past == NULL) {
		ctl_complain(c, NULL, "the terminal cannot be used");
		return CTL_INTERNAL;
	}
	history(past, &ev, H_SETSIZE, 500);
	history(past, &ev, H_SETUNIQUE, 1);
	el_set(el, EL_CLIENTDATA, c);
	el_set(el, EL_PROMPT, prompt);
	el_set(el, EL_EDITOR, "emacs");
	el_set(el, EL_SIGNAL, 1);
	el_set(el, EL_HIST, history, past);
	el_set(el, EL_ADDFN, "mcr-complete", "complete a word", complete_key);
	el_set(el, EL_BIND, "^I", "mcr-complete", NULL);
	while ((text = el_gets(el, &n)) != NULL && n > 0) {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
		if (line[strspn(line, " \t")] != '\0')
			history(past, &ev, H_ENTER, line);
		if (strcmp(line, "quit") == 0)
			break;
		ctl_run_line(c, line, NULL, 0);
	}
	if (text == NULL)
		puts("");
	history_end(past);
	el_end(el);
	return CTL_OK;
}
