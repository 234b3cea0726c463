#include "unit/detect/stream_world.h"

#include "unit/detect/rules_rig.h"

struct stream_world sw;

static void subject(void *registry, uint64_t stream, int64_t time_ms, struct stream_subject *out)
{
	const struct stream_world *w = registry;
	bool later = time_ms >= w->later_ms;
	*out = later ? w->later : w->subject;
	out->stream = stream;
	out->from_ms = later ? w->later_ms : INT64_MIN;
	out->to_ms = later ? INT64_MAX : w->later_ms;
}

static struct span text(void *registry, uint64_t hash)
{
	const struct stream_world *w = registry;
	struct span found = {NULL, 0};
	cr_assert_eq(value_texts_find(w->texts, hash, &found), STATUS_OK);
	return found;
}

static void tell(void *context, const struct finding *f, const struct rule *rule)
{
	struct stream_world *w = context;
	(void)rule;
	w->said++;
	cr_assert_eq(f->subject, STREAM);
	cr_assert_eq(f->device, SITE);
	for (size_t i = 0; i < w->count; i++)
		if (finding_compare(&w->told[i], f) == 0) {
			w->told[i] = *f;
			return;
		}
	cr_assert_lt(w->count, TOLD_MAX);
	w->told[w->count++] = *f;
}

void stream_world_begin(void)
{
	memset(&sw, 0, sizeof sw);
	sw.subject = (struct stream_subject){.site = SITE,
					     .site_number = "TANK-1",
					     .quantity = "q",
					     .unit = "mm",
					     .sector = "危化品",
					     .village = "东村"};
	sw.later = sw.subject;
	sw.later_ms = INT64_MAX;
	sw.sink = (struct detect_sink){.context = &sw, .finding = tell};
	sw.context = (struct stream_context){
		.books = sw.spans, .subject = subject, .text = text, .registry = &sw, .number = 1};
	cr_assert_eq(value_texts_new(&sw.texts), STATUS_OK);
	cr_assert_eq(stream_state_new(STREAM, &sw.state), STATUS_OK);
}

void stream_world_end(void)
{
	for (uint32_t i = 0; i < sw.context.book_count; i++)
		rulebook_unref(sw.books[i]);
	value_texts_free(sw.texts);
	stream_state_free(sw.state);
}

void stream_rules_from(int64_t from_ms, const char *rules)
{
	struct buf whole = buf_init(1 << 16);
	struct rules_read r;
	for (const char *line = rules; *line;) {
		size_t size = strcspn(line, "\n");
		cr_assert_eq(buf_append(&whole, line, size), STATUS_OK);
		cr_assert_eq(buf_append_u8(&whole, '\n'), STATUS_OK);
		if (*line == '[')
			cr_assert_eq(buf_printf(&whole, "title = 题 | title\nsource = test\nquantity = q x*\n"),
				     STATUS_OK);
		line += size + (line[size] == '\n');
	}
	r = rules_read(buf_view(&whole));
	cr_assert_eq(r.status, STATUS_OK, "%s", (char *)r.mistakes.data);
	uint32_t at = sw.context.book_count++;
	sw.books[at] = rulebook_ref(r.book);
	sw.spans[at] = (struct rulebook_span){from_ms, r.book};
	sw.context.number++;
	rules_read_deinit(&r);
	buf_deinit(&whole);
}

void stream_rules(const char *rules)
{
	stream_rules_from(INT64_MIN, rules);
}

void stream_send_as(int64_t time_ms, const char *said, uint8_t quality)
{
	struct value v = {.time_ms = time_ms, .quality = quality};
	uint64_t hash;
	if (value_parse_number(span_of_string(said), &v)) {
		cr_assert_eq(value_texts_add(sw.texts, span_of_string(said), &hash), STATUS_OK);
		v.type = VALUE_TEXT;
		v.bits = (int64_t)hash;
	}
	cr_assert_eq(stream_step(sw.state, &sw.context, &v, &sw.sink), STATUS_OK);
}

void stream_send(int64_t time_ms, const char *said)
{
	stream_send_as(time_ms, said, VALUE_QUALITY_GOOD);
}

void stream_send_each(int64_t from_ms, int64_t to_ms, int64_t step_ms, const char *said)
{
	for (int64_t ms = from_ms; ms < to_ms; ms += step_ms)
		stream_send(ms, said);
}

void stream_as_of(int64_t time_ms)
{
	cr_assert_eq(stream_open(sw.state, &sw.context, time_ms, &sw.sink), STATUS_OK);
}

void stream_snapshot(void)
{
	struct buf bytes = buf_init(1 << 20), again = buf_init(1 << 20);
	cr_assert_eq(stream_state_encode(sw.state, &bytes), STATUS_OK);
	stream_state_free(sw.state);
	cr_assert_eq(stream_state_decode(buf_view(&bytes), &sw.state), STATUS_OK);
	cr_assert_eq(stream_state_encode(sw.state, &again), STATUS_OK);
	cr_expect(span_equal(buf_view(&bytes), buf_view(&again)));
	for (size_t cut = 0; cut < bytes.size; cut++) {
		struct stream_state *broken;
		cr_assert_neq(stream_state_decode(span_of(bytes.data, cut), &broken), STATUS_OK, "cut at %zu", cut);
	}
	buf_deinit(&bytes);
	buf_deinit(&again);
}
