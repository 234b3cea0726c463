/* handlers_hazard_books.c -- the register as workbooks, audited before their first byte, and score cards. */
#include <assert.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "query/export/book_hazards.h"
#include "query/export/score_hazards.h"
#include "query/http/handlers_hazards.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* bytes of one card: a name escaped, and six numbers */
#define SCORE_JSON_MAX (SCORE_ROWS_MAX * (6u * HAZARD_VALUE_MAX + 256u))

/* --- books --- */

enum { BOOK_KIND, BOOK_NAME, BOOK_FROM, BOOK_TO };
static const struct http_param book_params[] = {
	[BOOK_KIND] = {"kind", HTTP_PARAM_CHOICE, true, 0, 0, BOOK_KIND_CHOICES,
		       "the six lists, or the book of one village, sector or enterprise"},
	[BOOK_NAME] = {"name", HTTP_PARAM_TEXT, false, 0, HAZARD_VALUE_MAX, NULL,
		       "of the village, sector or enterprise, exactly"},
	[BOOK_FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL, "found at or after"},
	[BOOK_TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "found before"},
};

/* False: the problem is sent. */
static bool take_period(struct http_call *c, unsigned from, unsigned to, struct hazard_filter *f)
{
	f->found_from_ms = value_or(&c->values[from], 0);
	f->found_to_ms = c->values[to].set || c->values[from].set ? value_or(&c->values[to], INT64_MAX) : 0;
	if (!c->values[to].set || f->found_from_ms < f->found_to_ms)
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "to", "must be after from");
	return false;
}

static bool take_name(struct http_call *c, unsigned word, struct hazard_filter *f)
{
	struct span name = c->values[BOOK_NAME].text;
	if ((word < HAZARD_WORD_COUNT) != (c->values[BOOK_NAME].set && name.size)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "name",
				  word < HAZARD_WORD_COUNT ? "this book needs the name of whom it is about"
							   : "the lists are of nobody in particular");
		return false;
	}
	if (word < HAZARD_WORD_COUNT)
		f->words[word] = name;
	return true;
}

static enum status audit(struct http_call *c, const struct book_request *q)
{
	struct audit_entry entry = {
		.at_ms = q->made_ms, .from_ms = q->filter.found_from_ms, .to_ms = q->filter.found_to_ms};
	static_assert(sizeof entry.case_number == BOOK_ABOUT_MAX, "the name has its room");
	book_about(q, entry.case_number);
	snprintf(entry.action, sizeof entry.action, "hazard book %s", book_kind_token(q->kind));
	return call_audit(c, &entry);
}

static enum status send_file(struct http_stream *s, FILE *file)
{
	enum status status = STATUS_OK;
	size_t n;
	char bytes[8192];
	while (!status && (n = fread(bytes, 1, sizeof bytes, file)) > 0) {
		status = buf_append(&s->chunk, bytes, n);
		if (!status)
			status = stream_flush(s, false);
	}
	return status ? status : ferror(file) ? STATUS_IO : STATUS_OK;
}

static void refuse_book(struct http_call *c, enum status status)
{
	char detail[120];
	if (status != STATUS_FULL) {
		http_problem_of_status(c->x, status);
		return;
	}
	snprintf(detail, sizeof detail, "more than %d hazards or %d steps: narrow it by from and to", BOOK_ROWS_MAX,
		 BOOK_STEPS_MAX);
	http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, NULL, detail);
}

static void answer_book(struct http_call *c, const struct book_request *q, FILE *file)
{
	struct http_stream s;
	char path[48], disposition[80];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(file));
	snprintf(disposition, sizeof disposition, "attachment; filename=\"hazards-%s.xlsx\"", book_kind_token(q->kind));
	enum status status = book_hazards_write(c->route->context, q, path);
	if (!status)
		status = exchange_header(c->x, "content-disposition", disposition);
	if (status) {
		refuse_book(c, status);
		return;
	}
	stream_begin(&s, c, BOOK_MEDIA);
	stream_close(&s, send_file(&s, file));
}

static void get_book(struct http_call *c)
{
	struct book_request q = {.kind = (uint8_t)c->values[BOOK_KIND].number,
				 .rows_max = BOOK_ROWS_MAX,
				 .made_ms = clock_now_ms(),
				 .maker = c->principal.name};
	q.filter.today = hazard_day(q.made_ms);
	if (!take_name(c, book_kind_word(q.kind), &q.filter) || !take_period(c, BOOK_FROM, BOOK_TO, &q.filter) ||
	    !call_hazard_scope(c, &q.filter))
		return;
	struct audit_entry mark = {.at_ms = q.made_ms};
	call_audit_fill(c, &mark);
	q.purpose = mark.purpose;
	enum status status = audit(c, &q);
	FILE *file = status ? NULL : tmpfile();
	if (file)
		answer_book(c, &q, file);
	else
		http_problem_of_status(c->x, status ? status : STATUS_IO);
	if (file)
		fclose(file);
}

/* --- score cards --- */

enum { SCORE_BY, SCORE_LIMIT, SCORE_FROM, SCORE_TO, SCORE_WEIGHTS };
static const struct http_param score_params[] = {
	[SCORE_BY] = {"by", HTTP_PARAM_CHOICE, true, 0, 0, "company|village", "whose cards"},
	[SCORE_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, SCORE_ROWS_MAX, NULL, "100 when left out"},
	[SCORE_FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL, "found at or after"},
	[SCORE_TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "found before"},
#define X(NAME, token, zh_name, member, weight, english, chinese)                                                      \
	[SCORE_WEIGHTS + SCORE_##NAME] = {                                                                             \
		token, HTTP_PARAM_INTEGER, false, 0, SCORE_WEIGHT_MAX, NULL, "weight of one that is " english},
	SCORE_FIGURE_TABLE(X)
#undef X
};

static void get_score(struct http_call *c)
{
	struct hazard_filter f = {.list = HAZARD_LIST_HAZARDS, .today = hazard_day(clock_now_ms())};
	struct score_weights w = score_weights_default();
	struct buf text = buf_init(SCORE_JSON_MAX);
	enum hazard_word by = c->values[SCORE_BY].number ? HAZARD_WORD_VILLAGE : HAZARD_WORD_COMPANY;
	if (!take_period(c, SCORE_FROM, SCORE_TO, &f) || !call_hazard_scope(c, &f))
		return;
	for (unsigned i = 0; i < SCORE_FIGURE_COUNT; i++)
		w.of[i] = (uint32_t)value_or(&c->values[SCORE_WEIGHTS + i], w.of[i]);
	enum status status = score_hazards_json(c->route->context, &f, by, &w,
						(size_t)value_or(&c->values[SCORE_LIMIT], 100), &text);
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

enum status hazards_books_route_add(struct http *h, struct hazards *r)
{
	const struct http_route routes[] = {
		{HTTP_GET, 0, "/api/v1/hazards/book", "getHazardBook",
		 "The six lists (六个清单), or the book of a village, sector or enterprise (一村一册, 一行业一册, "
		 "一企一档), as a spreadsheet; audited.",
		 BOOK_MEDIA, book_params, COUNT(book_params), get_book, r},
		{HTTP_GET, 0, "/api/v1/hazards/score", "scoreHazards",
		 "Score cards: open, overdue, relapsed and major hazards by weight, the worst first.",
		 "application/json", score_params, COUNT(score_params), get_score, r},
	};
	return add_routes(h, routes, COUNT(routes));
}
