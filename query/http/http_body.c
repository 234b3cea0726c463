#include "query/http/http_body.h"

#include "query/http/http_params.h"

bool body_instant(const json_t *v, int64_t *out_ms)
{
	if (json_is_integer(v)) {
		*out_ms = json_integer_value(v);
		return true;
	}
	return json_is_string(v) && !http_time_parse(span_of_string(json_string_value(v)), out_ms);
}

bool body_case(const json_t *v, char out[CASE_NUMBER_MAX + 1])
{
	struct span text = span_of(json_string_value(v), json_string_length(v));
	if (!json_is_string(v) || !text.size || text.size > CASE_NUMBER_MAX || !http_text_is_clean(text) ||
	    memchr(text.data, '/', text.size))
		return false;
	memcpy(out, text.data, text.size);
	out[text.size] = '\0';
	return true;
}
