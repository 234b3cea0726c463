/* rules_text.h -- the words of a file of rules: keys, values, units. Between the files that read and write rules. */
#ifndef ZAYTON_DETECT_RULES_TEXT_H
#define ZAYTON_DETECT_RULES_TEXT_H

#include "engine/core/messages.h"
#include "engine/detect/rules.h"

/* bytes of a refused value that is repeated in what is said of it */
#define RULE_ECHO_MAX 48
/* bytes of a title, a source, an authority, a list of rows */
#define RULE_TEXT_MAX 511

/* Why a value was refused; set when a function of this page says no. */
struct refusal {
	struct message_texts said;
};

/* refuse(why, ID, values...): a message of messages.h. Always false, so that a reader can end with it. */
#define refuse(why, ID, ...) refuse_with(why, MESSAGE(ID, ##__VA_ARGS__), ##__VA_ARGS__)
bool refuse_with(struct refusal *why, enum message message, ...);

/* A value as far as it may be repeated: cut at RULE_ECHO_MAX; of what is no printable text only the ASCII. */
struct echo {
	char text[RULE_ECHO_MAX + 4];
};
struct echo echo_of(struct span value);

struct span trim(struct span s);
/* The next word of a list separated by commas, spaces or both; false at its end. */
bool next_word(struct span *list, struct span *out);

/* The value of a parameter or a plain key; `out` takes two numbers for UNIT_TYPES, else one. */
bool value_parse(const struct rule_param *p, struct span text, int64_t *out, struct refusal *why);

/* How a key that all kinds share is written. */
enum key_form {
	KEY_KIND,
	KEY_TITLE,
	KEY_TEXT,
	KEY_WORDS,
	KEY_AUTHORITY,
	KEY_CLASSES,
	KEY_GEARS,
	KEY_SOURCES,
	KEY_WHERE,
	KEY_WHEN,
	KEY_REMIND,
	KEY_FLAGS, /* of a reminder */
	KEY_VALUE, /* as `value` says */
};

struct rule_key {
	const char *token;
	const char *initial; /* for people; of KEY_VALUE it is in `value` */
	const char *meaning;
	enum key_form form;
	bool required;
	size_t offset;           /* in struct rule, of a text or a value */
	size_t size;             /* of the value there */
	struct rule_param value; /* unit, range, default, words */
};

#define RULE_KEY_COUNT 24
extern const struct rule_key rule_keys[RULE_KEY_COUNT];
/* Keys of a reminder are said only of rules that remind, `gears` and `sources` only of rules that ask for some: others
 * are the same with and without them. */
bool rule_key_is_said(const struct rule_key *k, const struct rule *r);
/* NULL when all kinds have no such key. */
const struct rule_key *rule_key_find(struct span token);
/* Every value as if nothing had been written. */
void rule_keys_init(struct rule *r);
/* Texts are copied to `words`; STATUS_NO_MEMORY through `*status`. */
bool rule_key_parse(const struct rule_key *k, struct span text, struct rule *r, struct arena *words,
		    enum status *status, struct refusal *why);
STATUS_CHECKED enum status rule_key_print(const struct rule_key *k, const struct rule *r, struct buf *out);

/* load, cover_open, lift_up */
#define RULE_INPUT_COUNT 3
const char *rule_input_token(unsigned input);
struct rule_input *rule_input_of(struct rule_inputs *inputs, unsigned input);
bool rule_input_parse(struct span text, struct rule_input *out, struct refusal *why);
STATUS_CHECKED enum status rule_input_print(const struct rule_input *in, struct buf *out);

#endif
