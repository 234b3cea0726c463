/* hazard.h -- one hazard (隐患): what is said of it, where it stands, and the history both are folded from.
 *
 *   event 1 ─> event 2 ─> ... ─> event n     append-only; each carries the SHA-256 of the one before it
 *      └──────────┴── hazard_fold ──┴─> struct hazard: fields, state, deadline, chain
 *
 *   排查 ──> 登记 ──> 交办 ──> 整改 ──> 申请验收 ──> 验收 ──> 销号         law: hazard_law.h
 *              ^       │ 退回     ^           │ 退回   │ 退回      │
 *              └───────┘          └───────────┴────────┘        │ 反弹
 *              ^────────────────────────────────────────────────┘
 * What is said is a field: UTF-8 text in the form its type has (hazard_value_normalise). The typed members of the
 * struct repeat those that decide something. Nothing is deleted: VOID (作废) is a state with a reason.
 *
 * Pure; no clock, no store. Who may take which step, and what it needs: hazard_law.h. */
#ifndef ZAYTON_REGISTER_HAZARD_H
#define ZAYTON_REGISTER_HAZARD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* bytes of a field's value, of a step's note, of a name, and of a document number */
#define HAZARD_VALUE_MAX 1000
#define HAZARD_NOTE_MAX 2000
#define HAZARD_NAME_MAX 63
#define HAZARD_DOCUMENT_MAX 120
/* bytes of all values of one hazard, and of one event as a row */
#define HAZARD_TEXT_MAX 32768
#define HAZARD_EVENT_MAX 65536
/* steps of one hazard: one a day for ten years */
#define HAZARD_EVENTS_MAX 4096

#define HAZARD_DIGEST_SIZE 32

/* X(code, NAME, "token", "Chinese") */
#define HAZARD_STATE_TABLE(X)                                                                                          \
	X(0, FOUND, "found", "排查")                                                                                   \
	X(1, REGISTERED, "registered", "登记")                                                                         \
	X(2, ASSIGNED, "assigned", "交办")                                                                             \
	X(3, RECTIFYING, "rectifying", "整改")                                                                         \
	X(4, APPLIED, "applied", "申请验收")                                                                           \
	X(5, ACCEPTED, "accepted", "验收")                                                                             \
	X(6, CLOSED, "closed", "销号")                                                                                 \
	X(7, VOID, "void", "作废")

#define HAZARD_GRADE_TABLE(X)                                                                                          \
	X(0, NONE, "none", "未定级")                                                                                   \
	X(1, GENERAL, "general", "一般")                                                                               \
	X(2, LARGER, "larger", "较大")                                                                                 \
	X(3, MAJOR, "major", "重大")

#define HAZARD_SOURCE_TABLE(X)                                                                                         \
	X(0, NONE, "none", "未说明")                                                                                   \
	X(1, VIOLATION, "violation", "动态监控")                                                                       \
	X(2, SENSOR, "sensor", "传感报警")                                                                             \
	X(3, INSPECTION, "inspection", "检查")                                                                         \
	X(4, SELF_CHECK, "self_check", "自查")                                                                         \
	X(5, TIP, "tip", "举报")

/* 挂牌督办 */
#define HAZARD_LISTING_TABLE(X)                                                                                        \
	X(0, NONE, "none", "未挂牌")                                                                                   \
	X(1, REQUESTED, "requested", "已提请")                                                                         \
	X(2, LISTED, "listed", "已挂牌")                                                                               \
	X(3, RELEASED, "released", "已解除")

/* X(code, NAME, "token", "Chinese"): a clerk is of a member unit (成员单位), the office is the safety office (乡安办);
 * `system` is the feed. */
#define HAZARD_ROLE_TABLE(X)                                                                                           \
	X(0, SYSTEM, "system", "系统")                                                                                 \
	X(1, ENTERPRISE, "enterprise", "企业")                                                                         \
	X(2, CLERK, "clerk", "成员单位")                                                                               \
	X(3, OFFICE, "office", "安办")                                                                                 \
	X(4, POLICE, "police", "公安交警")                                                                             \
	X(5, FISHERY, "fishery", "渔业海事")                                                                           \
	X(6, AUDITOR, "auditor", "审计")                                                                               \
	X(7, ADMINISTRATOR, "administrator", "管理员")

#define HAZARD_STEP_TABLE(X)                                                                                           \
	X(1, FIND, "find", "排查")                                                                                     \
	X(2, REGISTER, "register", "登记")                                                                             \
	X(3, ASSIGN, "assign", "交办")                                                                                 \
	X(4, START, "start", "开始整改")                                                                               \
	X(5, APPLY, "apply", "申请验收")                                                                               \
	X(6, ACCEPT, "accept", "验收通过")                                                                             \
	X(7, RETURN, "return", "退回")                                                                                 \
	X(8, CLOSE, "close", "销号")                                                                                   \
	X(9, REQUEST_LISTING, "request_listing", "提请挂牌")                                                           \
	X(10, LIST, "list", "挂牌督办")                                                                                \
	X(11, RELEASE, "release", "解除挂牌")                                                                          \
	X(12, EXTEND, "extend", "延期")                                                                                \
	X(13, HAND_OVER, "hand_over", "移交执法")                                                                      \
	X(14, ACCOUNT, "account", "问责")                                                                              \
	X(15, RECHECK, "recheck", "回头看")                                                                            \
	X(16, RELAPSE, "relapse", "反弹")                                                                              \
	X(17, JOIN, "join", "并入线索")                                                                                \
	X(18, DETACH, "detach", "撤回线索")                                                                            \
	X(19, AMEND, "amend", "更正")                                                                                  \
	X(20, ATTACH, "attach", "附件")                                                                                \
	X(21, VOID, "void", "作废")                                                                                    \
	X(22, ESCALATE, "escalate", "提级")

/* What a field's value looks like.
 *   TEXT    printable, one line         DATE   YYYY-MM-DD, a day of UTC+8       TIME    RFC 3339, kept in UTC
 *   GRADE, SOURCE  a token              YES    "yes" or "no" (是, 否)             DIGEST  64 hex digits
 *   PLACE   "latitude,longitude" in decimal degrees, WGS-84, at most 7 places */
enum hazard_type {
	HAZARD_TYPE_TEXT,
	HAZARD_TYPE_DATE,
	HAZARD_TYPE_TIME,
	HAZARD_TYPE_GRADE,
	HAZARD_TYPE_SOURCE,
	HAZARD_TYPE_YES,
	HAZARD_TYPE_DIGEST,
	HAZARD_TYPE_PLACE
};

/* X(code, NAME, "token", "Chinese", type) */
#define HAZARD_FIELD_TABLE(X)                                                                                          \
	X(1, SOURCE, "source", "来源", SOURCE)                                                                         \
	X(2, REFERENCE, "reference", "来源编号", TEXT) /* of the finding, alarm or tip it began with */                \
	X(3, CAUSE, "cause", "成因", TEXT)             /* what makes it one hazard and not two */                      \
	X(4, FOUND, "found", "发现时间", TIME)                                                                         \
	X(5, FINDER, "finder", "排查人", TEXT)                                                                         \
	X(6, SITE, "site", "隐患点", TEXT)                                                                             \
	X(7, COMPANY, "company", "企业", TEXT)                                                                         \
	X(8, VILLAGE, "village", "所属村", TEXT)                                                                       \
	X(9, GRID, "grid", "网格", TEXT)                                                                               \
	X(10, PLACE, "place", "坐标", PLACE)                                                                           \
	X(11, SECTOR, "sector", "行业领域", TEXT)                                                                      \
	X(12, CATEGORY, "category", "隐患类别", TEXT)                                                                  \
	X(13, DESCRIPTION, "description", "隐患描述", TEXT)                                                            \
	X(14, GRADE, "grade", "隐患等级", GRADE)                                                                       \
	X(15, LIFE_THREAT, "life_threat", "危及人身安全", YES)                                                         \
	X(16, BASIS, "basis", "判定依据", TEXT)                                                                        \
	X(17, UNIT, "unit", "责任单位", TEXT)                                                                          \
	X(18, PERSON, "person", "责任人", TEXT)                                                                        \
	X(19, SUPERVISOR, "supervisor", "监督部门", TEXT)                                                              \
	X(20, MEASURES, "measures", "整改措施", TEXT)                                                                  \
	X(21, FUND, "fund", "整改资金", TEXT)                                                                          \
	X(22, PLAN, "plan", "应急预案", TEXT)                                                                          \
	X(23, DEADLINE, "deadline", "整改时限", DATE) /* the last day in time */                                       \
	X(24, ACCEPTOR, "acceptor", "验收人", TEXT)                                                                    \
	X(25, SIGNATURE, "signature", "签字文件", DIGEST) /* of an attachment */                                       \
	X(26, LEADER, "leader", "挂钩领导", TEXT)                                                                      \
	X(27, LISTING_DOCUMENT, "listing_document", "挂牌文号", TEXT)                                                  \
	X(28, ENFORCEMENT_DOCUMENT, "enforcement_document", "执法文书号", TEXT)                                        \
	X(29, ACCOUNTABILITY_DOCUMENT, "accountability_document", "问责文号", TEXT)                                    \
	X(30, SELF_FOUND, "self_found", "企业自查发现", YES)                                                           \
	X(31, INTERNALLY_LISTED, "internally_listed", "企业内部挂账", YES)                                             \
	X(32, REPORT_DOCUMENT, "report_document", "书面报告文号", TEXT)                                                \
	X(33, EXPOSED, "exposed", "公开曝光", YES)

#define X(code, NAME, token, chinese) HAZARD_##NAME = code,
enum hazard_state { HAZARD_STATE_TABLE(X) HAZARD_STATE_COUNT };
#undef X
#define X(code, NAME, token, chinese) HAZARD_GRADE_##NAME = code,
enum hazard_grade { HAZARD_GRADE_TABLE(X) HAZARD_GRADE_COUNT };
#undef X
#define X(code, NAME, token, chinese) HAZARD_SOURCE_##NAME = code,
enum hazard_source { HAZARD_SOURCE_TABLE(X) HAZARD_SOURCE_COUNT };
#undef X
#define X(code, NAME, token, chinese) HAZARD_LISTING_##NAME = code,
enum hazard_listing { HAZARD_LISTING_TABLE(X) HAZARD_LISTING_COUNT };
#undef X
#define X(code, NAME, token, chinese) HAZARD_ROLE_##NAME = code,
enum hazard_role { HAZARD_ROLE_TABLE(X) HAZARD_ROLE_COUNT };
#undef X
#define X(code, NAME, token, chinese) HAZARD_STEP_##NAME = code,
enum hazard_step { HAZARD_STEP_TABLE(X) HAZARD_STEP_COUNT };
#undef X
#define X(code, NAME, token, chinese, type) HAZARD_FIELD_##NAME = code,
enum hazard_field { HAZARD_FIELD_TABLE(X) HAZARD_FIELD_COUNT };
#undef X

/* The word of a table, "unknown" for a code outside it; static storage. */
enum hazard_table {
	HAZARD_TABLE_STATE,
	HAZARD_TABLE_GRADE,
	HAZARD_TABLE_SOURCE,
	HAZARD_TABLE_LISTING,
	HAZARD_TABLE_ROLE,
	HAZARD_TABLE_STEP,
	HAZARD_TABLE_FIELD
};
const char *hazard_token(enum hazard_table table, unsigned code);
const char *hazard_chinese(enum hazard_table table, unsigned code);
/* A token or its Chinese word. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status hazard_parse(enum hazard_table table, struct span text, uint8_t *out);
enum hazard_type hazard_field_type(unsigned field);

/* A value as it is kept, NUL-terminated; an empty one stays empty and means "nothing is said". STATUS_TOO_LONG,
 * STATUS_MALFORMED (no printable UTF-8), STATUS_OUT_OF_RANGE (not of the field's type), STATUS_INVALID (no field). */
STATUS_CHECKED enum status hazard_value_normalise(unsigned field, struct span value, char out[HAZARD_VALUE_MAX + 1]);

/* Days since 1970-01-01 in UTC+8: what deadlines are counted in. */
#define HAZARD_DAY_NONE INT32_MAX
int32_t hazard_day(int64_t time_ms);
STATUS_CHECKED enum status hazard_day_parse(struct span date, int32_t *out);

struct hazard_change {
	uint8_t field;
	struct span value; /* normalised; empty: it is said no longer */
};

/* One step as it was taken. Views belong to whoever made the event. */
struct hazard_event {
	uint32_t number; /* 1, 2, ... */
	uint8_t step;    /* enum hazard_step */
	uint8_t role;    /* enum hazard_role of who took it */
	int64_t at_ms;   /* wall clock, never before the event before it */
	struct span who, unit, note, document;
	struct span link;      /* JOIN, DETACH: reference of a finding or alarm; ATTACH: the file's name */
	const uint8_t *digest; /* ATTACH: SHA-256 of the file; NULL elsewhere */
	const struct hazard_change *changes;
	size_t change_count;
	uint8_t before[HAZARD_DIGEST_SIZE]; /* digest of the event before, zero for the first */
};

/* Event as bytes, version 1, big-endian:
 *   version 1 | step 1 | role 1 | at 8 | before 32 | who: size 1, bytes | unit: size 1, bytes | note: size 2, bytes |
 *   document: size 1, bytes | link: size 1, bytes | has digest 1 [digest 32] | changes 1 x {field 1, size 2, bytes} */
STATUS_CHECKED enum status hazard_event_encode(const struct hazard_event *e, struct buf *out);
/* Views into `bytes`; `changes` takes HAZARD_FIELD_COUNT. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status hazard_event_decode(struct span bytes, struct hazard_change *changes,
					       struct hazard_event *out);
/* SHA-256 of the event's bytes: the link of the chain. STATUS_NO_MEMORY, STATUS_IO (the library refused). */
STATUS_CHECKED enum status hazard_event_digest(struct span bytes, uint8_t out[HAZARD_DIGEST_SIZE]);

/* What stands. `text` owns the values; `values` are offsets into it. */
struct hazard {
	uint64_t id;
	uint8_t state, grade, source, listing; /* enums above */
	bool life_threat, handed_over, accountable, escalated, exposed, self_found;
	bool rectifier_is_known; /* somebody applied for acceptance: */
	char rectifier[HAZARD_NAME_MAX + 1];
	uint32_t events; /* of its history: the version that an edit names */
	uint32_t linked; /* findings and alarms it counts, the first one too, those withdrawn not */
	uint32_t relapses, returns, extensions, rechecks, attachments;
	int32_t deadline_day; /* HAZARD_DAY_NONE */
	int64_t found_ms, registered_ms, assigned_ms, applied_ms, accepted_ms, closed_ms, changed_ms; /* 0: not yet */
	uint8_t chain[HAZARD_DIGEST_SIZE]; /* digest of its last event */
	struct {
		uint32_t at;
		uint16_t size;
	} values[HAZARD_FIELD_COUNT];
	struct buf text;
};

void hazard_init(struct hazard *h, uint64_t id);
void hazard_deinit(struct hazard *h);
/* Empty: nothing is said. The view lasts until the next fold. */
static inline struct span hazard_value(const struct hazard *h, unsigned field)
{
	return h->text.data ? span_of(h->text.data + h->values[field].at, h->values[field].size) : span_of(NULL, 0);
}

/* The next event of the history, as lawful: law is asked before an event is made, not here. STATUS_CORRUPT: its number
 * or chain does not follow; STATUS_FULL, STATUS_NO_MEMORY: `h` is unchanged. */
STATUS_CHECKED enum status hazard_fold(struct hazard *h, const struct hazard_event *e,
				       const uint8_t digest[HAZARD_DIGEST_SIZE]);

/* Row of what stands, version 1; the inverse refuses what it does not write. */
STATUS_CHECKED enum status hazard_encode(const struct hazard *h, struct buf *out);
STATUS_CHECKED enum status hazard_decode(uint64_t id, struct span row, struct hazard *out);

#endif
