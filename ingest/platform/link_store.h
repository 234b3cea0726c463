/* link_store.h -- what is remembered of links: when they were up, what was asked and answered, how far was forwarded.
 *
 *   family `meta`   "link/up/" name 00 start 8      -> version 1 | until 8 | positions 8 | backfilled 8 | refused 8 |
 * bad 8 "link/ask/" id 4                -> version 1 | numbers 8 * n | texts (length 2, bytes) * m "link/mark/" name 00
 * device 8   -> version 1 | time 8 | hash 8 | received 8 "link/feed/" name               -> version 1 | feed 8
 *
 * Threads: any but an event loop. */
#ifndef ZAYTON_INGEST_LINK_STORE_H
#define ZAYTON_INGEST_LINK_STORE_H

#include "engine/store/store.h"
#include "ingest/platform/links_file.h"

/* --- when a link was up --- */

struct link_session {
	int64_t start_ms, until_ms; /* login, and the last instant at which it was known to be up */
	uint64_t positions, backfilled, refused, bad_frames;
};
STATUS_CHECKED enum status link_session_put(struct store *s, const char *link, const struct link_session *session);
typedef enum status link_session_visit(void *context, const struct link_session *session);
/* Ascending by start. STATUS_CORRUPT. */
STATUS_CHECKED enum status link_sessions(struct store *s, const char *link, link_session_visit *visit, void *context);

struct link_rate {
	int64_t from_ms, to_ms;
	int64_t online_minutes, total_minutes;                         /* whole ones */
	uint32_t rate_e4;                                              /* 平台连通率, 1/10,000 */
	uint64_t sessions, positions, backfilled, refused, bad_frames; /* sessions that touch the span */
};
/* Of [from_ms, to_ms). */
STATUS_CHECKED enum status link_rate_of(struct store *s, const char *link, int64_t from_ms, int64_t to_ms,
					struct link_rate *out);

/* --- what was asked --- */

/* X(code, NAME, "token", "Chinese", message asking, sub type asking, sub type answering) */
#define LINK_ASK_TABLE(X)                                                                                              \
	X(1, DUTY, "duty-check", "平台查岗", 0x9300, 0x9301, 0x1301)                                                   \
	X(2, TEXT, "text", "平台间报文", 0x9300, 0x9302, 0x1302)                                                       \
	X(3, SUPERVISION, "supervision", "报警督办", 0x9400, 0x9401, 0x1401)                                           \
	X(4, BACKFILL, "backfill", "补发定位", 0x9200, 0x9209, 0x1209)                                                 \
	X(5, DRIVER, "driver", "驾驶员身份", 0x9200, 0x920a, 0x120a)                                                   \
	X(6, WAYBILL, "waybill", "电子运单", 0x9200, 0x920b, 0x120b)                                                   \
	X(7, STATIC, "static", "车辆静态信息", 0x9600, 0x9601, 0x1601)                                                 \
	X(8, STATISTICS, "statistics", "链路统计", 0x9102, 0, 0x1102)                                                  \
	X(9, START, "start", "启动定位交换", 0x9200, 0x9205, 0x1205)                                                   \
	X(10, END, "end", "结束定位交换", 0x9200, 0x9206, 0x1206)

enum link_ask_kind {
#define X(code, NAME, ...) LINK_ASK_##NAME = code,
	LINK_ASK_TABLE(X)
#undef X
		LINK_ASK_COUNT
};

#define LINK_ASK_TEXT_MAX 1000

struct link_ask {
	uint32_t id; /* 1, 2, ... of this installation; the information id on the wire */
	uint8_t kind;
	bool incoming; /* asked by the platform above us */
	uint8_t object_type, level, limit_min;
	uint16_t alarm_type;
	uint32_t serial;                                /* of the frame it left in, or came in */
	uint32_t their_id;                              /* incoming: their information id */
	int64_t asked_ms, due_ms, sent_ms, answered_ms; /* 0: not yet */
	int64_t from_ms, to_ms;                         /* BACKFILL, STATISTICS; SUPERVISION: time of the alarm, - */
	int32_t result;                                 /* of the answer, -1: none */
	char link[LINK_NAME_MAX + 1];
	char plate[DEVICE_VALUE_MAX + 1]; /* COLOUR:PLATE or empty */
	char object[64];
	char who[64]; /* asked on whose behalf */
	char text[LINK_ASK_TEXT_MAX + 1];
	char answer[LINK_ASK_TEXT_MAX + 1];
	char answerer[64]; /* who answered, and how to reach him */
};
const char *link_ask_token(unsigned kind);
const char *link_ask_chinese(unsigned kind);
STATUS_CHECKED enum status link_ask_parse(const char *token, uint8_t *out);
struct link_ask_wire {
	uint16_t id, sub_id, answer;
};
struct link_ask_wire link_ask_wire(unsigned kind);

/* Synced. */
STATUS_CHECKED enum status link_ask_put(struct store *s, const struct link_ask *a);
typedef enum status link_ask_visit(void *context, const struct link_ask *a);
/* Ascending by id, from `after` (exclusive). `visit` ends it with STATUS_END. */
STATUS_CHECKED enum status link_asks(struct store *s, uint32_t after, link_ask_visit *visit, void *context);

/* --- how far was forwarded --- */

struct link_mark {
	uint64_t device;
	int64_t time_ms;
	uint64_t hash;
	int64_t received_ms; /* largest receipt among what was forwarded */
};
typedef enum status link_mark_visit(void *context, const struct link_mark *m);
STATUS_CHECKED enum status link_marks(struct store *s, const char *link, link_mark_visit *visit, void *context);
/* Marks and the feed position in one batch, not synced: what is lost is forwarded again. */
STATUS_CHECKED enum status link_marks_put(struct store *s, const char *link, const struct link_mark *marks,
					  size_t count, uint64_t feed);
/* 0 when there is none. */
STATUS_CHECKED enum status link_feed_get(struct store *s, const char *link, uint64_t *out);

#endif
