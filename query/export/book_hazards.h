/* book_hazards.h -- the register's lists and books as one workbook (xlsx).
 *
 *   lists        汇总 | 监督清单 | 隐患清单 | 整改清单 | 验收销号清单 | 执法清单 | 问责清单
 *   village      汇总 | 隐患台账 | 办理过程                                        一村一册
 *   sector       the same                                                          一行业一册
 *   enterprise   the same                                                          一企一档
 *   two          汇总 | 问题隐患清单 | 制度措施清单                                            两个清单
 *   three        汇总 | 问题清单 | 整改清单 | 销号清单                                        三个清单
 *   five         汇总 | 基础信息清单 | 防控责任清单 | 监测监控清单 | 防范措施清单 | 应急处置清单       五个清单
 *
 * A sheet has its headings in a frozen first row with filters; instants and days are Excel dates as the clock in China
 * (UTC+8) shows them, to the second. The totals of 汇总 are counted from the very rows of the sheets, by the rule of
 * hazards_counts(); beside each figure stands what it means. Rows go by id, so that a step taken meanwhile neither
 * doubles nor hides a hazard.
 *
 * Memory: one row; what is written waits in temporary files of the library. Threads: any but an event loop. */
#ifndef ZAYTON_QUERY_EXPORT_BOOK_HAZARDS_H
#define ZAYTON_QUERY_EXPORT_BOOK_HAZARDS_H

#include "engine/register/hazards.h"

/* hazards of one sheet: about what a spreadsheet program still opens with ease; steps of one book. A sheet of
 * Excel and LibreOffice ends at 1 048 576 rows. */
#define BOOK_ROWS_MAX 100000
#define BOOK_STEPS_MAX (10 * BOOK_ROWS_MAX)

#define BOOK_MEDIA "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

/* X(NAME, "token", "Chinese", enum hazard_word of its name; HAZARD_WORD_COUNT: it has none) */
#define BOOK_KIND_TABLE(X)                                                                                             \
	X(LISTS, "lists", "隐患治理六个清单", HAZARD_WORD_COUNT)                                                       \
	X(VILLAGE, "village", "一村一册", HAZARD_WORD_VILLAGE)                                                         \
	X(SECTOR, "sector", "一行业一册", HAZARD_WORD_SECTOR)                                                          \
	X(ENTERPRISE, "enterprise", "一企一档", HAZARD_WORD_COMPANY)                                                   \
	X(TWO, "two", "两个清单", HAZARD_WORD_COUNT)                                                                   \
	X(THREE, "three", "三个清单", HAZARD_WORD_COUNT)                                                               \
	X(FIVE, "five", "五个清单", HAZARD_WORD_COUNT)
/* as the choices of a parameter */
#define BOOK_KIND_CHOICES "lists|village|sector|enterprise|two|three|five"

enum book_kind {
#define X(NAME, token, chinese, word) BOOK_##NAME,
	BOOK_KIND_TABLE(X)
#undef X
		BOOK_KIND_COUNT
};
const char *book_kind_token(unsigned kind);
/* Which word of the filter names the village, sector or enterprise; HAZARD_WORD_COUNT of the lists. */
unsigned book_kind_word(unsigned kind);

/* As a parameter spells it. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status book_kind_parse(struct span token, uint8_t *out);

struct book_request {
	uint8_t kind; /* enum book_kind */
	/* Scope, time, the name; `today` decides what is overdue. Its `list` is not looked at. */
	struct hazard_filter filter;
	size_t rows_max;     /* 1 .. BOOK_ROWS_MAX; ten times as many steps */
	int64_t made_ms;     /* now */
	const char *maker;   /* who asked, printed on the summary and at the foot of every page */
	const char *purpose; /* what for, beside it; NULL: nothing is said */
};

/* The workbook at `path`, which is overwritten; after a failure its content means nothing.
 * STATUS_INVALID: a kind with a name and none in the filter, or a bound out of range. STATUS_FULL: more than `rows_max`
 * hazards in a sheet. STATUS_NO_MEMORY, STATUS_IO, STATUS_CORRUPT. */
STATUS_CHECKED enum status book_hazards_write(struct hazards *r, const struct book_request *q, const char *path);

/* Whom the book is about, for the audit, where a case number stands elsewhere: the name as far as it goes, whole
 * characters; "" of the lists. */
#define BOOK_ABOUT_MAX 64
void book_about(const struct book_request *q, char out[BOOK_ABOUT_MAX]);

#endif
