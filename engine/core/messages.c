#include "engine/core/messages.h"

#include <string.h>

static const char *const formats[MESSAGE_COUNT][LANGUAGE_COUNT] = {
#define X(ID, english, chinese) [MESSAGE_##ID] = {english, chinese},
	MESSAGE_TABLE(X)
#undef X
};

enum language language_of(const char *tag)
{
	bool chinese = tag && !strncmp(tag, "zh", 2) && (!tag[2] || strchr("_-.@", tag[2]));
	return chinese ? LANGUAGE_CHINESE : LANGUAGE_ENGLISH;
}

enum language language_of_environment(char *const *environment)
{
	static const char *const names[] = {"LC_ALL=", "LC_MESSAGES=", "LANG="};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t size = strlen(names[i]);
		for (char *const *at = environment; at && *at; at++)
			if (!strncmp(*at, names[i], size) && (*at)[size])
				return language_of(*at + size);
	}
	return LANGUAGE_ENGLISH;
}

const char *message_format(enum message message, enum language language)
{
	return formats[message][language];
}

/* A text that was cut in the middle of a UTF-8 sequence loses it. */
static void end_whole(char text[MESSAGE_TEXT_MAX + 1], int size)
{
	if (size <= MESSAGE_TEXT_MAX)
		return;
	size_t end = MESSAGE_TEXT_MAX;
	while (end && ((unsigned char)text[end - 1] & 0xc0) == 0x80)
		end--;
	if (end && (unsigned char)text[end - 1] >= 0xc0)
		end--;
	text[end] = '\0';
}

/* formats come from the table; MESSAGE() has held the values against them */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void message_vsay(struct message_texts *out, enum message message, va_list values)
{
	for (unsigned language = 0; language < LANGUAGE_COUNT; language++) {
		va_list again;
		va_copy(again, values);
		end_whole(out->in[language],
			  vsnprintf(out->in[language], MESSAGE_TEXT_MAX + 1, formats[message][language], again));
		va_end(again);
	}
}

void message_say(struct message_texts *out, enum message message, ...)
{
	va_list values;
	va_start(values, message);
	message_vsay(out, message, values);
	va_end(values);
}
