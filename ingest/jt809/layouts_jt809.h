/* layouts_jt809.h -- the tables of layouts_jt809.c for explain_jt809.c. */
#ifndef ZAYTON_INGEST_LAYOUTS_JT809_H
#define ZAYTON_INGEST_LAYOUTS_JT809_H

#include "ingest/jt809/jt809.h"

enum jt809_kind { JT809_KIND_UINT, JT809_KIND_UTC, JT809_KIND_TEXT, JT809_KIND_CONTENT, JT809_KIND_REST };

enum jt809_field_id {
	JT809_FIELD_END,
#define X(NAME, member, kind, size, json) JT809_FIELD_##NAME,
	JT809_FIELD_TABLE(X)
#undef X
};

struct jt809_field {
	uint8_t kind;    /* enum jt809_kind */
	uint8_t size;    /* on the wire */
	uint16_t offset; /* in struct jt809_message */
	uint16_t member_size;
	const char *json;
};
extern const struct jt809_field jt809_fields[];

#define JT809_LAYOUT_FIELDS 12
struct jt809_layout {
	uint16_t id;                         /* the sub type, or the message itself */
	uint8_t editions;                    /* 1 << enum jt809_edition */
	bool vehicle;                        /* in an envelope: behind plate and colour */
	uint8_t fields[JT809_LAYOUT_FIELDS]; /* enum jt809_field_id, ended by JT809_FIELD_END */
};

/* The layout that fits `data`, of `edition` if any does; the first of the id when none fits, NULL when there is none.
 */
const struct jt809_layout *jt809_layout_find(uint16_t id, struct span data, enum jt809_edition edition);

#endif
