/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/token.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 31

static cmdline_parse_token_hdr_t *
header(const struct mcr_token *t)
{
	/* rte_cmdline takes tokens as non-const and never writes to them. */
	return (cmdline_parse_token_hdr_t *)(uintptr_t)t;
}

static size_t
word_len(const char *at)
{
	size_t n = 0;

	while (!cmdline_isendoftoken(at[n]))
		n++;
	return n;
}

/* Copy the word at `at`; false when it is empty or too long for any argument. */
static bool
copy_word(const char *at, char word[MCR_WORD_MAX + 1])
{
	const size_t n = word_len(at);

	if (n == 0 || n > MCR_WORD_MAX)
		return false;
	memcpy(word, at, n);
	word[n] = '\0';
	return true;
}

/* Which of the fixed words it is; -1: none. */
static int
fixed_index(const struct mcr_token *t, const char *word)
{
	const size_t n = strlen(word);
	const char *s = t->fixed.string_data.str;

	for (int i = 0; s != NULL; i++) {
		const size_t len = strcspn(s, "#");

		if (len == n && memcmp(s, word, n) == 0)
			return i;
		s = s[len] == '#' ? s + len + 1 : NULL;
	}
	return -1;
}

/* Decimal or 0x: also with the leading 0 that mcr_token_check refuses by name. */
static bool
looks_like_number(const char *word)
{
	if (word[0] == '0' && word[1] == 'x')
		return word[2] != '\0' &&
		       word[2 + strspn(word + 2, "0123456789abcdefABCDEF")] == '\0';
	return word[0] != '\0' && word[strspn(word, "0123456789")] == '\0';
}

static int
parse_number(const char *at, const char *word, struct mcr_arg *a)
{
	static const struct cmdline_token_num u64 = {
		.hdr = {.ops = &cmdline_token_num_ops},
		.num_data = {.type = RTE_UINT64},
	};

	if (!looks_like_number(word))
		return -1;
	a->type = MCR_ARG_NUM;
	if (cmdline_parse_num(
		    (cmdline_parse_token_hdr_t *)(uintptr_t)&u64, at, &a->num, sizeof(a->num)) < 0)
		a->num = UINT64_MAX; /* does not fit: above every range */
	snprintf(a->text, sizeof(a->text), "%" PRIu64, a->num);
	return 0;
}

static int
parse_placeholder(const struct mcr_token *t, const char *at, const char *word, struct mcr_arg *a)
{
	switch (t->ph) {
	case MCR_PH_WORD:
		a->type = MCR_ARG_WORD;
		snprintf(a->text, sizeof(a->text), "%s", word);
		return 0;
	case MCR_PH_NUM:
		return parse_number(at, word, a);
	case MCR_PH_IP:
		a->type = MCR_ARG_IP;
		if (mcr_addr_parse(word, &a->ip) < 0)
			return -1;
		mcr_addr_str(&a->ip, a->text);
		return 0;
	case MCR_PH_PREFIX:
		a->type = MCR_ARG_PREFIX;
		if (mcr_prefix_parse(word, &a->prefix) < 0)
			return -1;
		mcr_prefix_str(&a->prefix, a->text);
		return 0;
	case MCR_PH_MAC:
		a->type = MCR_ARG_MAC;
		if (mcr_mac_parse(word, &a->mac) < 0)
			return -1;
		mcr_mac_str(&a->mac, a->text);
		return 0;
	case MCR_PH_TEXT:
	case MCR_PH_NONE:
		break;
	}
	return -1;
}

/* rte_cmdline: choices and placeholders of one word. */
static int
parse_word(cmdline_parse_token_hdr_t *hdr, const char *at, void *res, unsigned res_size)
{
	const struct mcr_token *t = (const struct mcr_token *)hdr;
	struct mcr_arg local;
	struct mcr_arg *a = &local;
	char word[MCR_WORD_MAX + 1];
	int index;

	if (!copy_word(at, word))
		return -1;
	if (res != NULL) {
		if (res_size < sizeof(*a))
			return -1;
		a = res;
	}
	memset(a, 0, sizeof(*a));
	index = fixed_index(t, word);
	if (index >= 0) {
		a->type = MCR_ARG_CHOICE;
		a->num = (uint64_t)index;
		snprintf(a->text, sizeof(a->text), "%s", word);
	} else if (parse_placeholder(t, at, word, a) < 0) {
		return -1;
	}
	return (int)strlen(word);
}

/* rte_cmdline: the rest of the line, without trailing blanks. */
static int
parse_text(cmdline_parse_token_hdr_t *hdr, const char *at, void *res, unsigned res_size)
{
	struct mcr_arg *a = res;
	size_t n = strcspn(at, "#\n");

	while (n > 0 && isblank((unsigned char)at[n - 1]))
		n--;
	if (n == 0)
		return -1;
	if (a != NULL) {
		if (res_size < sizeof(*a))
			return -1;
		memset(a, 0, sizeof(*a));
		a->type = MCR_ARG_WORD;
		a->num = n; /* for the length check: text may be cut */
		snprintf(a->text, sizeof(a->text), "%.*s", (int)n, at);
	}
	return (int)n;
}

static struct cmdline_token_ops word_ops = {.parse = parse_word};
static struct cmdline_token_ops text_ops = {.parse = parse_text};

static const char *
init_placeholder(struct mcr_token *t, const char *word)
{
	static const struct {
		const char *name;
		enum mcr_placeholder ph;
	} types[] = {
		{"word", MCR_PH_WORD},
		{"num", MCR_PH_NUM},
		{"ip", MCR_PH_IP},
		{"prefix", MCR_PH_PREFIX},
		{"mac", MCR_PH_MAC},
		{"text", MCR_PH_TEXT},
	};
	char type[8], range[48] = "";
	int end = 0;

	if (sscanf(word, "<%7[a-z]:%31[a-z0-9-]%n", type, t->name, &end) != 2)
		return "a placeholder is written <type:name>";
	word += end;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(type, types[i].name) == 0)
			t->ph = types[i].ph;
	}
	if (t->ph == MCR_PH_NONE)
		return "unknown placeholder type";
	if (t->ph == MCR_PH_NUM) {
		if (sscanf(word, ":%" SCNu64 "-%" SCNu64 "%n", &t->low, &t->high, &end) != 2 ||
			t->low > t->high || t->high == UINT64_MAX)
			return "a number needs its range LOW-HIGH";
		snprintf(range, sizeof(range), ":%" PRIu64 "-%" PRIu64, t->low, t->high);
		if (strncmp(word, range, strlen(range)) != 0)
			return "the range is not in plain decimal";
		word += strlen(range);
	}
	return strcmp(word, ">") == 0 ? NULL : "surplus characters in a placeholder";
}

const char *
mcr_token_init(struct mcr_token *t, const char *word, unsigned slot)
{
	const char *ph = strchr(word, '<');
	const char *why;
	char *fixed;
	size_t n = ph == NULL ? strlen(word) : (size_t)(ph - word);

	memset(t, 0, sizeof(*t));
	if (ph != NULL && n > 0 && word[--n] != '|')
		return "a placeholder stands alone or after |";
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)word[i]) && strchr("-_.|", word[i]) == NULL)
			return "a character that no keyword has";
		if (word[i] == '|' && (i == 0 || i + 1 == n || word[i + 1] == '|'))
			return "an empty choice";
	}
	if (ph != NULL) {
		why = init_placeholder(t, ph);
		if (why != NULL)
			return why;
		if (t->ph == MCR_PH_TEXT && n > 0)
			return "text stands alone";
	}
	if (n > 0) {
		fixed = strndup(word, n);
		if (fixed == NULL)
			return "out of memory";
		t->is_arg = strchr(fixed, '|') != NULL;
		for (char *c = fixed; *c != '\0'; c++) {
			if (*c == '|')
				*c = '#';
		}
		t->fixed.string_data.str = fixed;
	}
	t->is_arg = t->is_arg || t->ph != MCR_PH_NONE;
	if (!t->is_arg) {
		t->fixed.hdr.ops = &cmdline_token_string_ops;
		t->fixed.hdr.offset = offsetof(struct mcr_parsed, scratch);
		return NULL;
	}
	if (slot >= MCR_MAX_ARGS)
		return "too many arguments";
	t->fixed.hdr.ops = t->ph == MCR_PH_TEXT ? &text_ops : &word_ops;
	t->fixed.hdr.offset =
		(unsigned)(offsetof(struct mcr_parsed, args.arg) + slot * sizeof(struct mcr_arg));
	return NULL;
}

void
mcr_token_fini(struct mcr_token *t)
{
	free((void *)(uintptr_t)t->fixed.string_data.str);
	t->fixed.string_data.str = NULL;
}

int
mcr_token_match(const struct mcr_token *t, const char *at)
{
	return t->fixed.hdr.ops->parse(header(t), at, NULL, 0);
}

static bool
matches_fixed_of(const struct mcr_token *t, const struct mcr_token *other)
{
	const char *s = other->fixed.string_data.str;
	char word[STR_TOKEN_SIZE];

	while (s != NULL) {
		const size_t n = strcspn(s, "#");

		snprintf(word, sizeof(word), "%.*s", (int)n, s);
		if (mcr_token_match(t, word) > 0)
			return true;
		s = s[n] == '#' ? s + n + 1 : NULL;
	}
	return false;
}

bool
mcr_token_overlaps(const struct mcr_token *a, const struct mcr_token *b)
{
	if (matches_fixed_of(a, b) || matches_fixed_of(b, a))
		return true;
	if (a->ph == MCR_PH_NONE || b->ph == MCR_PH_NONE)
		return false;
	return a->ph == b->ph || a->ph == MCR_PH_WORD || b->ph == MCR_PH_WORD ||
	       a->ph == MCR_PH_TEXT || b->ph == MCR_PH_TEXT;
}

bool
mcr_token_is_name(const struct mcr_token *t)
{
	static const char *const kinds[] = {
		"name",
		"port",
		"port-or-all",
		"segment",
		"peer",
		"policy",
		"igmp-rule",
		"sa",
		"discovery",
	};

	for (size_t i = 0; t->ph == MCR_PH_WORD && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(t->name, kinds[i]) == 0)
			return true;
	}
	return false;
}

static int
check_name(const struct mcr_token *t, const char *word, const char *noun, struct mcr_err *err)
{
	static const char *const reserved[] = {
		"all", "any", "none", "json", "list", "detail", "template"};
	const char *rule = "letters digits . _ - : with a letter or digit first";

	if (strcmp(t->name, "port-or-all") == 0 && strcmp(word, "all") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (strcmp(word, reserved[i]) == 0) {
			snprintf(err->text, sizeof(err->text), "%s \"%s\" is a reserved word", noun,
				word);
			snprintf(err->expected, sizeof(err->expected), "another name");
			return -EINVAL;
		}
	}
	if (strlen(word) > NAME_MAX_LEN) {
		snprintf(err->text, sizeof(err->text), "%s \"%s\" is longer than %d characters",
			noun, word, NAME_MAX_LEN);
		snprintf(err->expected, sizeof(err->expected), "at most %d characters",
			NAME_MAX_LEN);
		return -EINVAL;
	}
	for (const char *c = word; *c != '\0'; c++) {
		if (isalnum((unsigned char)*c) || (c > word && strchr("._-:", *c) != NULL))
			continue;
		snprintf(err->text, sizeof(err->text), "%s \"%s\" is not a name", noun, word);
		snprintf(err->expected, sizeof(err->expected), "%s", rule);
		return -EINVAL;
	}
	return 0;
}

static int
check_number(const struct mcr_token *t, const struct mcr_arg *arg, const char *word,
	const char *noun, struct mcr_err *err)
{
	if (word[0] == '0' && word[1] != '\0' && word[1] != 'x')
		snprintf(err->text, sizeof(err->text), "%s %s starts with 0", noun, word);
	else if (arg->num < t->low || arg->num > t->high)
		snprintf(err->text, sizeof(err->text), "%s %s is out of range", noun, word);
	else
		return 0;
	snprintf(err->expected, sizeof(err->expected), "%" PRIu64 "-%" PRIu64, t->low, t->high);
	return -EINVAL;
}

static int
check_group(const struct mcr_addr *a, const char *word, const char *noun, struct mcr_err *err)
{
	if (mcr_addr_is_multicast(a))
		return 0;
	snprintf(err->text, sizeof(err->text), "%s %s is not a multicast address", noun, word);
	snprintf(err->expected, sizeof(err->expected), "an address in %s",
		mcr_addr_is_v4(a) ? "224.0.0.0/4" : "ff00::/8");
	return -EINVAL;
}

static int
check_prefix(const struct mcr_token *t, const struct mcr_prefix *p, const char *word,
	const char *noun, struct mcr_err *err)
{
	const bool is_v4 = mcr_addr_is_v4(&p->addr);
	char buf[MCR_PREFIX_STRLEN];
	struct mcr_prefix clean = *p;

	if (strcmp(t->name, "groups") == 0 &&
		(!mcr_addr_is_multicast(&p->addr) || mcr_prefix_user_len(p) < (is_v4 ? 4 : 8))) {
		snprintf(err->text, sizeof(err->text), "%s %s is not a multicast prefix", noun,
			word);
		snprintf(err->expected, sizeof(err->expected), "a prefix in %s",
			is_v4 ? "224.0.0.0/4" : "ff00::/8");
		return -EINVAL;
	}
	if (strcmp(t->name, "address") == 0 || !mcr_prefix_has_host_bits(p))
		return 0;
	for (unsigned bit = p->len; bit < 128; bit++)
		clean.addr.b[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
	snprintf(err->text, sizeof(err->text), "%s %s has host bits set", noun, word);
	snprintf(err->expected, sizeof(err->expected), "%s", mcr_prefix_str(&clean, buf));
	return -EINVAL;
}

int
mcr_token_check(const struct mcr_token *t, const struct mcr_arg *arg, const char *word,
	const char *noun, struct mcr_err *err)
{
	if (arg->type == MCR_ARG_CHOICE)
		return 0;
	switch (t->ph) {
	case MCR_PH_WORD:
		return mcr_token_is_name(t) ? check_name(t, word, noun, err) : 0;
	case MCR_PH_NUM:
		return check_number(t, arg, word, noun, err);
	case MCR_PH_IP:
		return strcmp(t->name, "group") == 0 ? check_group(&arg->ip, word, noun, err) : 0;
	case MCR_PH_PREFIX:
		return check_prefix(t, &arg->prefix, word, noun, err);
	case MCR_PH_TEXT:
		if (arg->num <= MCR_WORD_MAX)
			return 0;
		snprintf(err->text, sizeof(err->text), "%s is longer than %d bytes", noun,
			MCR_WORD_MAX);
		snprintf(err->expected, sizeof(err->expected), "at most %d bytes", MCR_WORD_MAX);
		return -EINVAL;
	case MCR_PH_MAC:
	case MCR_PH_NONE:
		break;
	}
	return 0;
}

void
mcr_token_words(const struct mcr_token *t, void (*each)(void *ctx, const char *word), void *ctx)
{
	const char *s = t->fixed.string_data.str;
	char word[STR_TOKEN_SIZE];

	while (s != NULL) {
		const size_t n = strcspn(s, "#");

		snprintf(word, sizeof(word), "%.*s", (int)n, s);
		each(ctx, word);
		s = s[n] == '#' ? s + n + 1 : NULL;
	}
}

void
mcr_token_expected(const struct mcr_token *t, void (*each)(void *ctx, const char *text), void *ctx)
{
	char upper[MCR_TOKEN_NAME];
	char text[3 * MCR_TOKEN_NAME];
	size_t i;

	mcr_token_words(t, each, ctx);
	for (i = 0; t->name[i] != '\0'; i++)
		upper[i] = (char)toupper((unsigned char)t->name[i]);
	upper[i] = '\0';
	switch (t->ph) {
	case MCR_PH_NONE:
		return;
	case MCR_PH_WORD:
		if (strcmp(t->name, "port-or-all") == 0) {
			each(ctx, "PORT");
			each(ctx, "all");
			return;
		}
		snprintf(text, sizeof(text), "%s", upper);
		break;
	case MCR_PH_TEXT:
		snprintf(text, sizeof(text), "%s", upper);
		break;
	case MCR_PH_NUM:
		snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu64, t->low, t->high);
		break;
	case MCR_PH_IP:
		snprintf(text, sizeof(text), "%s address",
			strcmp(t->name, "address") == 0 ? "IP" : upper);
		break;
	case MCR_PH_PREFIX:
		snprintf(text, sizeof(text), "%s/LEN", upper);
		break;
	case MCR_PH_MAC:
		snprintf(text, sizeof(text), "MAC address");
		break;
	}
	each(ctx, text);
}
