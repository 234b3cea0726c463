/* authority.c -- the table of authorities, and lists of them. */
#include "engine/detect/authority.h"

static const struct {
	const char *token, *chinese;
} authorities[AUTHORITY_COUNT + 1] = {
#define X(NAME, token, chinese, english) {token, chinese},
	AUTHORITY_TABLE(X)
#undef X
		{"", ""}};

static unsigned known(unsigned authority)
{
	return authority < AUTHORITY_COUNT ? authority : AUTHORITY_COUNT;
}

const char *authority_token(unsigned authority)
{
	return authorities[known(authority)].token;
}

const char *authority_chinese(unsigned authority)
{
	return authorities[known(authority)].chinese;
}

enum authority authority_find(struct span name)
{
	unsigned i = 0;
	while (i < AUTHORITY_COUNT && !span_equal(name, span_of_string(authorities[i].token)) &&
	       !span_equal(name, span_of_string(authorities[i].chinese)))
		i++;
	return (enum authority)i;
}

bool authority_next(struct span *list, struct span *out)
{
	while (list->size) {
		const uint8_t *comma = memchr(list->data, ',', list->size);
		size_t size = comma ? (size_t)(comma - list->data) : list->size, begin = 0, end = size;
		while (begin < end && (list->data[begin] == ' ' || list->data[begin] == '\t'))
			begin++;
		while (end > begin && (list->data[end - 1] == ' ' || list->data[end - 1] == '\t'))
			end--;
		*out = span_of(list->data + begin, end - begin);
		size += comma != NULL;
		*list = span_of(list->data + size, list->size - size);
		if (out->size)
			return true;
	}
	return false;
}

static struct span shown(struct span name)
{
	enum authority a = authority_find(name);
	return a == AUTHORITY_COUNT ? name : span_of_string(authorities[a].chinese);
}

bool authority_listed(struct span list, struct span name)
{
	struct span one;
	while (authority_next(&list, &one))
		if (span_equal(shown(one), shown(name)))
			return true;
	return false;
}

enum status authority_list(struct span list, struct buf *out)
{
	struct span one;
	const char *between = "";
	enum status status = STATUS_OK;
	while (!status && authority_next(&list, &one)) {
		status = buf_append(out, between, strlen(between));
		if (!status)
			status = buf_append(out, shown(one).data, shown(one).size);
		between = ", ";
	}
	return status;
}
