/* fence_kml.c -- Placemarks as the parser passes them; coordinates are taken token by token, never held as text.
 *
 *   Placemark ─┬ name, @id                                   LinearRing ┐
 *              ├ ExtendedData: Data@name/value, SimpleData   LineString ├─ coordinates: "lon,lat[,alt] ..."
 *              └ geometry ── Polygon: outerBoundaryIs, innerBoundaryIs ─┘ Point
 *
 * A document type declaration ends the reading: no entity is ever expanded. */
#include <expat.h>

#include "engine/core/utf8.h"
#include "ingest/files/fence_draft.h"

/* bytes of a property, and of one "lon,lat,alt" */
#define TEXT_MAX 512
#define TOKEN_MAX 160
/* bytes parsed at a step */
#define STEP_BYTES (1u << 20)

struct kml {
	struct fence_draft *d;
	XML_Parser parser;
	enum status ended;                              /* anything but OK: the reading is over */
	enum status wrong;                              /* and that for what stands in the file */
	unsigned depth, placemark_depth, polygon_depth; /* 0: not within one */
	bool is_hole, has_outside, in_coordinates;
	enum fence_part part; /* what coordinates are of; NONE: of nothing */
	char key[TEXT_MAX], text[TEXT_MAX], token[TOKEN_MAX];
	size_t key_size, text_size, token_size;
	bool text_cut;
};

static void stop(struct kml *k, enum status status)
{
	if (k->ended == STATUS_OK && status) {
		k->ended = status;
		XML_StopParser(k->parser, XML_FALSE);
	}
}

static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, ':');
	return colon ? colon + 1 : name;
}

static bool is(const char *name, const char *other)
{
	return strcmp(name, other) == 0;
}

static void stop_wrong(struct kml *k, enum status status)
{
	k->wrong = status;
	stop(k, status);
}

/* --- coordinates --- */

static void take_token(struct kml *k)
{
	double east, north;
	struct span token = span_of(k->token, k->token_size), lat;
	const uint8_t *comma = token.size ? memchr(token.data, ',', token.size) : NULL;
	k->token_size = 0;
	if (token.size == 0)
		return;
	if (comma) {
		lat = span_of(comma + 1, token.size - (size_t)(comma + 1 - token.data));
		const uint8_t *second = lat.size ? memchr(lat.data, ',', lat.size) : NULL;
		lat.size = second ? (size_t)(second - lat.data) : lat.size;
	}
	if (!comma || fence_number(span_of(token.data, (size_t)(comma - token.data)), &east) ||
	    fence_number(lat, &north))
		fence_draft_wrong(k->d, FENCE_FIELD_GEOMETRY, STATUS_MALFORMED, "a position is no pair of numbers",
				  "坐标不是两个数", token);
	else
		stop(k, fence_draft_position(k->d, east, north));
}

static void take_coordinates(struct kml *k, const char *text, size_t size)
{
	for (size_t i = 0; i < size && !k->ended; i++) {
		if (memchr(" \t\r\n", text[i], 4))
			take_token(k);
		else if (k->token_size < TOKEN_MAX)
			k->token[k->token_size++] = text[i]; /* what is longer is no position, and is refused cut */
	}
}

static void begin_coordinates(struct kml *k)
{
	k->token_size = 0;
	k->in_coordinates = k->part != FENCE_PART_NONE;
	if (!k->in_coordinates)
		return;
	if (k->part == FENCE_PART_HOLE && !k->has_outside)
		fence_draft_wrong(k->d, FENCE_FIELD_GEOMETRY, STATUS_MALFORMED, "a hole without a polygon",
				  "内环之前没有外环", span_of(NULL, 0));
	k->has_outside |= k->part == FENCE_PART_RING;
	stop(k, fence_draft_part_begin(k->d, k->part));
}

static void end_coordinates(struct kml *k)
{
	take_token(k);
	k->in_coordinates = false;
	k->part = FENCE_PART_NONE;
	if (!k->ended)
		stop(k, fence_draft_part_end(k->d));
}

/* --- elements --- */

static const char *attribute(const char **attributes, const char *name)
{
	for (; attributes[0]; attributes += 2)
		if (is(attributes[0], name))
			return attributes[1];
	return NULL;
}

static void begin_placemark(struct kml *k, const char **attributes)
{
	const char *id = attribute(attributes, "id");
	k->placemark_depth = k->depth;
	k->polygon_depth = 0;
	k->part = FENCE_PART_NONE;
	fence_draft_begin(k->d, XML_GetCurrentLineNumber(k->parser));
	if (id)
		fence_draft_property(k->d, span_of("id", 2), span_of_string(id));
}

/* A name longer than any we know is of no property. */
static void take_key(struct kml *k, const char **attributes)
{
	const char *name = attribute(attributes, "name");
	k->key_size = name && strlen(name) < TEXT_MAX ? strlen(name) : 0;
	if (k->key_size)
		memcpy(k->key, name, k->key_size);
}

static void begin_part(struct kml *k, const char *name, const char **attributes)
{
	if (is(name, "Polygon")) {
		k->polygon_depth = k->depth;
		k->is_hole = k->has_outside = false;
	} else if (is(name, "outerBoundaryIs") || is(name, "innerBoundaryIs")) {
		k->is_hole = is(name, "innerBoundaryIs");
	} else if (is(name, "LinearRing")) {
		k->part = !k->polygon_depth ? FENCE_PART_LINE : k->is_hole ? FENCE_PART_HOLE : FENCE_PART_RING;
	} else if (is(name, "LineString")) {
		k->part = FENCE_PART_LINE;
	} else if (is(name, "Point")) {
		k->part = FENCE_PART_POINT;
	} else if (is(name, "coordinates")) {
		begin_coordinates(k);
	} else if (is(name, "Data") || is(name, "SimpleData")) {
		take_key(k, attributes);
	} else if (is(name, "Model") || is(name, "Track") || is(name, "MultiTrack")) {
		fence_draft_wrong(k->d, FENCE_FIELD_GEOMETRY, STATUS_UNSUPPORTED,
				  "not a geometry a fence can be made of", "不支持的几何类型", span_of_string(name));
	}
}

static void XMLCALL on_start(void *context, const char *name, const char **attributes)
{
	struct kml *k = context;
	const char *local = local_name(name);
	if (k->ended) /* the parser may call once more */
		return;
	k->text_size = 0;
	k->text_cut = false;
	if (++k->depth > FENCE_KML_DEPTH_MAX)
		stop_wrong(k, STATUS_TOO_LONG);
	else if (k->placemark_depth)
		begin_part(k, local, attributes);
	else if (is(local, "Placemark"))
		begin_placemark(k, attributes);
}

static void end_text(struct kml *k, struct span key)
{
	if (k->text_cut) /* a property that is known is shorter; it is refused as too long */
		k->text_size = TEXT_MAX;
	fence_draft_property(k->d, key, span_of(k->text, k->text_size));
}

static void XMLCALL on_end(void *context, const char *name)
{
	struct kml *k = context;
	const char *local = local_name(name);
	if (k->ended)
		return;
	if (k->in_coordinates && is(local, "coordinates")) {
		end_coordinates(k);
	} else if (k->placemark_depth == k->depth) {
		k->placemark_depth = 0;
		stop(k, fence_draft_end(k->d));
	} else if (k->polygon_depth == k->depth) {
		k->polygon_depth = 0;
	} else if (k->placemark_depth && (is(local, "value") || is(local, "SimpleData"))) {
		end_text(k, span_of(k->key, k->key_size));
	} else if (k->placemark_depth && k->depth == k->placemark_depth + 1 && is(local, "name")) {
		end_text(k, span_of("name", 4));
	}
	k->depth--;
	k->text_size = 0;
}

static void XMLCALL on_text(void *context, const char *text, int size)
{
	struct kml *k = context;
	if (k->in_coordinates) {
		take_coordinates(k, text, (size_t)size);
		return;
	}
	size_t room = TEXT_MAX - k->text_size, n = (size_t)size < room ? (size_t)size : room;
	memcpy(k->text + k->text_size, text, n);
	k->text_size += n;
	k->text_cut |= n < (size_t)size;
}

static void XMLCALL on_doctype(void *context, const char *name, const char *system_id, const char *public_id,
			       int has_internal_subset)
{
	(void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
	stop_wrong(context, STATUS_UNSUPPORTED);
}

/* --- the document --- */

static enum status tell_end(struct kml *k)
{
	uint64_t line = XML_GetCurrentLineNumber(k->parser);
	const char *error = XML_ErrorString(XML_GetErrorCode(k->parser));
	if (k->wrong == STATUS_UNSUPPORTED)
		return fence_draft_file_wrong(k->d, line, FENCE_FIELD_FILE, k->wrong, "a document type declaration",
					      "含文档类型声明（DTD）", span_of(NULL, 0));
	if (k->wrong == STATUS_TOO_LONG)
		return fence_draft_file_wrong(k->d, line, FENCE_FIELD_FILE, k->wrong, "elements nested too deep",
					      "元素嵌套过深", span_of(NULL, 0));
	return fence_draft_file_wrong(k->d, line, FENCE_FIELD_FILE, STATUS_MALFORMED, "not XML from here on",
				      "自此处起不是 XML", span_of_string(error));
}

/* What ended the reading: the callbacks' status, or the parser's. */
static enum status parse(struct kml *k, struct span text)
{
	do {
		size_t n = text.size < STEP_BYTES ? text.size : STEP_BYTES;
		enum XML_Status parsed = XML_Parse(k->parser, (const char *)text.data, (int)n, n == text.size);
		text = span_of(text.data + n, text.size - n);
		if (k->ended && !k->wrong)
			return k->ended;
		if (parsed != XML_STATUS_OK && XML_GetErrorCode(k->parser) == XML_ERROR_NO_MEMORY)
			return STATUS_NO_MEMORY;
		if (parsed != XML_STATUS_OK)
			return tell_end(k);
	} while (text.size);
	return STATUS_OK;
}

enum status fence_kml_read(struct span text, struct fence_draft *d)
{
	/* what is UTF-8 is so whatever the declaration says: it may have been another encoding before */
	struct kml k = {.d = d, .parser = XML_ParserCreate(utf8_valid(text) ? "UTF-8" : NULL)};
	if (!k.parser)
		return STATUS_NO_MEMORY;
	XML_SetUserData(k.parser, &k);
	XML_SetElementHandler(k.parser, on_start, on_end);
	XML_SetCharacterDataHandler(k.parser, on_text);
	XML_SetStartDoctypeDeclHandler(k.parser, on_doctype);
	enum status status = parse(&k, text);
	XML_ParserFree(k.parser);
	return status;
}
