/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "random.h"

#define N_KEYS 300
#define N_STEPS 20000

static const struct mcr_line *
put(struct mcr_lines *ls, uint32_t row, const char *key, const char *text)
{
	const struct mcr_line l = {.row = row, .key = key, .text = text, .file = ""};
	const struct mcr_line *stored = mcr_lines_put(ls, &l);

	assert_non_null(stored);
	return stored;
}

static void
assert_text(const struct mcr_lines *ls, const char *want)
{
	char *text = mcr_lines_text(ls);

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
}

static void
assert_diff(const struct mcr_lines *from, const struct mcr_lines *to, const char *want)
{
	char *text = mcr_lines_diff(from, to);

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
}

static void
a_line_keeps_copies_of_everything(void **state)
{
	struct mcr_lines *ls = mcr_lines_create();
	char key[] = "port lan mtu", text[] = "set port lan mtu 9000", file[] = "a.conf",
	     data[] = "x";
	const struct mcr_line l = {.row = 7,
		.key = key,
		.text = text,
		.file = file,
		.line_no = 3,
		.data = data,
		.data_size = sizeof(data)};
	const struct mcr_line *stored = mcr_lines_put(ls, &l);

	memset(key, '-', 4);
	memset(text, '-', 4);
	memset(file, '-', 4);
	data[0] = '-';
	assert_ptr_equal(mcr_lines_get(ls, "port lan mtu"), stored);
	assert_string_equal(stored->text, "set port lan mtu 9000");
	assert_string_equal(stored->file, "a.conf");
	assert_string_equal(stored->data, "x");
	assert_int_equal(stored->line_no, 3);
	assert_int_equal(stored->row, 7);
	assert_int_equal((uintptr_t)stored->data % sizeof(long double), 0);
	mcr_lines_free(ls);
}

static void
a_key_replaces_and_del_removes(void **state)
{
	struct mcr_lines *ls = mcr_lines_create();

	put(ls, 1, "port lan mtu", "set port lan mtu 1500");
	put(ls, 1, "port lan mtu", "set port lan mtu 9000");
	assert_int_equal(mcr_lines_count(ls), 1);
	assert_text(ls, "set port lan mtu 9000\n");
	assert_int_equal(mcr_lines_del(ls, "port lan mt"), -ENOENT);
	assert_int_equal(mcr_lines_del(ls, "port lan mtu"), 0);
	assert_int_equal(mcr_lines_del(ls, "port lan mtu"), -ENOENT);
	assert_text(ls, "");
	assert_null(mcr_lines_at(ls, 0));
	mcr_lines_free(ls);
}

static void
order_is_row_then_text_with_numbers(void **state)
{
	struct mcr_lines *ls = mcr_lines_create();

	put(ls, 2, "port tap10", "add port tap10 dev net_tap10");
	put(ls, 3, "port tap2 mtu", "set port tap2 mtu 1500");
	put(ls, 2, "port tap2", "add port tap2 dev net_tap2");
	put(ls, 2, "port tap02", "add port tap02 dev net_tap2");
	put(ls, 1, "system name", "set system name x");
	put(ls, 2, "port tap", "add port tap dev net_tap0");
	assert_text(ls, "set system name x\n"
			"add port tap dev net_tap0\n"
			"add port tap02 dev net_tap2\n"
			"add port tap2 dev net_tap2\n"
			"add port tap10 dev net_tap10\n"
			"set port tap2 mtu 1500\n");
	assert_string_equal(mcr_lines_at(ls, 4)->key, "port tap10");
	assert_null(mcr_lines_at(ls, 6));
	mcr_lines_free(ls);
}

static void
del_tree_takes_the_object_and_its_attributes(void **state)
{
	struct mcr_lines *ls = mcr_lines_create();

	put(ls, 1, "port lan", "add port lan dev x");
	put(ls, 2, "port lan mtu", "set port lan mtu 1500");
	put(ls, 2, "port lan address 10.0.0.1/8", "set port lan address 10.0.0.1/8");
	put(ls, 1, "port lan2", "add port lan2 dev x");
	put(ls, 3, "igmp lan mode", "set igmp lan mode off");
	/* The key may be the stored string itself. */
	assert_int_equal(mcr_lines_del_tree(ls, mcr_lines_get(ls, "port lan")->key), 3);
	assert_text(ls, "add port lan2 dev x\nset igmp lan mode off\n");
	assert_int_equal(mcr_lines_del_tree(ls, "port lan"), 0);
	mcr_lines_free(ls);
}

static void
diff_shows_what_changed(void **state)
{
	struct mcr_lines *a = mcr_lines_create(), *b;

	put(a, 1, "port lan", "add port lan dev x");
	put(a, 2, "port lan mtu", "set port lan mtu 9000");
	put(a, 2, "port wan mtu", "set port wan mtu 1500");
	b = mcr_lines_copy(a);
	assert_diff(a, b, "");
	assert_true(mcr_lines_is_equal(a, b));
	put(b, 2, "port lan mtu", "set port lan mtu 1500");
	mcr_lines_del(b, "port wan mtu");
	put(b, 3, "igmp lan mode", "set igmp lan mode off");
	/* The old form stands before the new one, although 1500 sorts before 9000. */
	assert_diff(a, b,
		"- set port lan mtu 9000\n"
		"+ set port lan mtu 1500\n"
		"- set port wan mtu 1500\n"
		"+ set igmp lan mode off\n");
	assert_false(mcr_lines_is_equal(a, b));
	assert_text(a, "add port lan dev x\nset port lan mtu 9000\nset port wan mtu 1500\n");
	mcr_lines_free(a);
	assert_string_equal(mcr_lines_get(b, "port lan")->text, "add port lan dev x");
	mcr_lines_free(b);
}

/* The naive model: an array of texts by key number; NULL = not there. */
struct model {
	char *text[N_KEYS];
};

static void
key_of(unsigned k, char key[32])
{
	/* Objects and attributes: "o3", "o3 a", "o3 b" ... */
	if (k % 6 == 0)
		snprintf(key, 32, "o%u", k / 6);
	else
		snprintf(key, 32, "o%u %c", k / 6, 'a' + (char)(k % 6));
}

static void
compare_with_model(const struct mcr_lines *ls, const struct model *m)
{
	uint32_t n = 0;
	char key[32];

	for (unsigned k = 0; k < N_KEYS; k++) {
		const struct mcr_line *l;

		key_of(k, key);
		l = mcr_lines_get(ls, key);
		assert_int_equal(l != NULL, m->text[k] != NULL);
		if (l != NULL)
			assert_string_equal(l->text, m->text[k]);
		n += m->text[k] != NULL;
	}
	assert_int_equal(mcr_lines_count(ls), n);
	for (uint32_t i = 1; i < n; i++)
		assert_true(mcr_lines_at(ls, i - 1)->row <= mcr_lines_at(ls, i)->row);
}

static void
model_put(struct mcr_lines *ls, struct model *m, struct rnd *r, unsigned k)
{
	char key[32], text[64];

	key_of(k, key);
	snprintf(text, sizeof(text), "set %s %u", key, rnd_below(r, 5));
	put(ls, k % 6, key, text);
	free(m->text[k]);
	m->text[k] = strdup(text);
}

static void
model_del(struct mcr_lines *ls, struct model *m, unsigned k)
{
	char key[32];

	key_of(k, key);
	assert_int_equal(mcr_lines_del(ls, key), m->text[k] == NULL ? -ENOENT : 0);
	free(m->text[k]);
	m->text[k] = NULL;
}

static void
model_del_tree(struct mcr_lines *ls, struct model *m, unsigned k)
{
	unsigned first = k - k % 6, n = 0;
	char key[32];

	key_of(first, key);
	for (unsigned i = first; i < first + 6; i++) {
		n += m->text[i] != NULL;
		free(m->text[i]);
		m->text[i] = NULL;
	}
	assert_int_equal(mcr_lines_del_tree(ls, key), n);
}

static void
random_operations_match_the_model(void **state)
{
	struct rnd r = rnd_init("lines model");
	struct mcr_lines *ls = mcr_lines_create(), *copy;
	struct model m = {0};

	for (unsigned i = 0; i < N_STEPS; i++) {
		const unsigned k = rnd_below(&r, N_KEYS), what = rnd_below(&r, 100);

		if (what < 55)
			model_put(ls, &m, &r, k);
		else if (what < 95)
			model_del(ls, &m, k);
		else
			model_del_tree(ls, &m, k);
		if (what == 99) {
			copy = mcr_lines_copy(ls);
			assert_true(mcr_lines_is_equal(ls, copy));
			mcr_lines_free(ls);
			ls = copy;
		}
		if (i % 100 == 0)
			compare_with_model(ls, &m);
	}
	compare_with_model(ls, &m);
	mcr_lines_free(ls);
	for (unsigned k = 0; k < N_KEYS; k++)
		free(m.text[k]);
}

static int
make_dir(void **state)
{
	char *dir = strdup("/tmp/mcr-lines.XXXXXX");

	*state = mkdtemp(dir);
	return *state == NULL;
}

static int
remove_dir(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", (char *)*state);
	free(*state);
	return system(command);
}

static void
read_back(const char *path, char *buf, size_t size)
{
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	buf[fread(buf, 1, size - 1, in)] = '\0';
	fclose(in);
}

static void
save_replaces_the_target_of_a_symlink(void **state)
{
	const char *dir = *state;
	struct mcr_lines *ls = mcr_lines_create();
	char real[128], link[128], text[256];
	struct stat st;

	snprintf(real, sizeof(real), "%s/real.conf", dir);
	snprintf(link, sizeof(link), "%s/link.conf", dir);
	put(ls, 1, "system name", "set system name one");
	assert_int_equal(symlink("real.conf", link), 0);
	/* The target does not exist yet. */
	assert_int_equal(mcr_lines_save(ls, link), 0);
	read_back(real, text, sizeof(text));
	assert_string_equal(text, "set system name one\n");
	assert_int_equal(stat(real, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(chmod(real, 0604), 0);
	put(ls, 1, "system name", "set system name two");
	assert_int_equal(mcr_lines_save(ls, link), 0);
	read_back(real, text, sizeof(text));
	assert_string_equal(text, "set system name two\n");
	assert_int_equal(stat(real, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	mcr_lines_free(ls);
}

static void
save_tells_why_it_cannot(void **state)
{
	const char *dir = *state;
	struct mcr_lines *ls = mcr_lines_create();
	char path[160], loop[160];

	snprintf(path, sizeof(path), "%s/nosuch/x.conf", dir);
	assert_int_equal(mcr_lines_save(ls, path), -ENOENT);
	snprintf(loop, sizeof(loop), "%s/loop", dir);
	assert_int_equal(symlink("loop", loop), 0);
	assert_int_equal(mcr_lines_save(ls, loop), -ELOOP);
	assert_int_equal(mcr_lines_save(ls, dir), -EINVAL);
	mcr_lines_free(ls);
}

/* SIGKILL at random moments of a process that saves two configurations in turn. */
static void
t18_a_kill_leaves_the_old_or_the_new_file(void **state)
{
	const char *dir = *state;
	struct rnd r = rnd_init("kill during save");
	struct mcr_lines *ls[2];
	char path[128], line[64], key[32];
	char *text[2], *got = malloc(1 << 20);

	snprintf(path, sizeof(path), "%s/kill.conf", dir);
	for (unsigned v = 0; v < 2; v++) {
		ls[v] = mcr_lines_create();
		for (unsigned i = 0; i < 500; i++) {
			snprintf(key, sizeof(key), "port p%u mtu", i);
			snprintf(line, sizeof(line), "set port p%u mtu %u", i, 1500 + v);
			put(ls[v], 1, key, line);
		}
		text[v] = mcr_lines_text(ls[v]);
	}
	assert_int_equal(mcr_lines_save(ls[0], path), 0);
	for (unsigned round = 0; round < 40; round++) {
		int saved[2];
		pid_t pid;
		char byte;

		assert_int_equal(pipe(saved), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			for (unsigned v = 1;; v = !v) {
				if (mcr_lines_save(ls[v], path) < 0 || write(saved[1], "s", 1) != 1)
					_exit(1);
			}
		}
		/* Some whole saves, then somewhere inside the next ones. */
		for (unsigned n = 1 + rnd_below(&r, 10); n > 0; n--)
			assert_int_equal(read(saved[0], &byte, 1), 1);
		for (unsigned n = rnd_below(&r, 200); n > 0; n--)
			sched_yield();
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		close(saved[0]);
		close(saved[1]);
		read_back(path, got, 1 << 20);
		assert_true(strcmp(got, text[0]) == 0 || strcmp(got, text[1]) == 0);
	}
	/* What the kill left behind does not stop the next save. */
	assert_int_equal(mcr_lines_save(ls[1], path), 0);
	read_back(path, got, 1 << 20);
	assert_string_equal(got, text[1]);
	for (unsigned v = 0; v < 2; v++) {
		mcr_lines_free(ls[v]);
		free(text[v]);
	}
	free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_keeps_copies_of_everything),
		cmocka_unit_test(a_key_replaces_and_del_removes),
		cmocka_unit_test(order_is_row_then_text_with_numbers),
		cmocka_unit_test(del_tree_takes_the_object_and_its_attributes),
		cmocka_unit_test(diff_shows_what_changed),
		cmocka_unit_test(random_operations_match_the_model),
		cmocka_unit_test_setup_teardown(
			save_replaces_the_target_of_a_symlink, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(save_tells_why_it_cannot, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
			t18_a_kill_leaves_the_old_or_the_new_file, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
