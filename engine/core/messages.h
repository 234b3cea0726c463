/* messages.h -- what people are told of their mistakes, in English and in Chinese: one table.
 *
 *   MESSAGE_TABLE   X(ID, "English", "Chinese")      printf formats; both take the same values in the same order
 *
 * MESSAGE(ID, values...) is the number of a message, and has the compiler hold the values against the English format;
 * a test holds the Chinese one against that. Names of keys, units and values stay as they are written in files. Pure;
 * threads: any. */
#ifndef ZAYTON_CORE_MESSAGES_H
#define ZAYTON_CORE_MESSAGES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#define MESSAGE_TABLE(X)                                                                                               \
	/* any file */                                                                                                 \
	X(TOO_LONG, "'%s' is longer than %d bytes", "“%s”超过 %d 字节")                                                \
	X(NO_MEMORY, "no memory", "内存不足")                                                                          \
	X(FILE_TOO_LONG, "the file is longer than %u bytes", "文件超过 %u 字节")                                       \
	X(NO_TEXT, "not UTF-8 text, or a control character in it", "不是 UTF-8 文字, 或含控制字符")                    \
	X(NO_PAIR, "'%s' is not key = value", "“%s”不是“键 = 值”")                                                     \
	X(NOTHING_SAID, "nothing is said", "没有写值")                                                                 \
	X(OF_KEY, "%s: %s", "%s: %s")                                                                                  \
	/* rules: sections and keys */                                                                                 \
	X(SAID_ALREADY, "%s: said already", "%s: 重复")                                                                \
	X(SAID_IN_LINE, "%s: said already in line %u", "%s: 第 %u 行已写过")                                           \
	X(NO_SUCH_KEY, "'%s': no such key", "“%s”: 没有这个键")                                                        \
	X(KEY_OF_OTHER_KIND, "'%s' is a parameter of %s, not of %s", "“%s”是 %s 的参数, 不是 %s 的")                   \
	X(KEY_MISSING, "[%s] has no %s", "[%s] 缺少 %s")                                                               \
	X(KEY_WITHOUT_REMIND, "%s, but there is no remind", "写了 %s, 但没有 remind")                                  \
	X(NOT_HEEDED, "%s does not heed it", "%s 不看这一项")                                                          \
	X(PARAM_MISSING, "[%s] has no %s, which %s needs", "[%s] 缺少 %s, %s 必须有")                                  \
	X(NO_RULE_ID, "'%s' is not an id (at most %d of a-z 0-9 - _ .)", "“%s”不能作编号 (最多 %d 个 a-z 0-9 - _ .)")  \
	X(RULE_TWICE, "[%s] is there already, in line %u", "[%s] 在第 %u 行已有")                                      \
	X(RULE_TOO_MANY, "[%s] is one rule more than %d", "[%s] 超出规则条数上限 %d")                                  \
	X(NO_INPUT_KEY, "'%s': no such key in [inputs]", "“%s”: [inputs] 没有这个键")                                  \
	X(INPUTS_TWICE, "[inputs] is there already, in line %u", "[inputs] 在第 %u 行已有")                            \
	X(NOT_CLOSED, "'%s' is not closed by ]", "“%s”缺少右括号 ]")                                                   \
	X(BEFORE_SECTION, "'%s' stands before the first [section]", "“%s”在第一个 [节] 之前")                          \
	/* rules: values of keys */                                                                                    \
	X(NO_KIND, "'%s' is not a kind of rule", "“%s”不是规则种类")                                                   \
	X(NO_TITLE, "'%s' is not Chinese | English", "“%s”不是“中文 | English”")                                       \
	X(HALF_TITLE, "'%s' lacks one of Chinese | English", "“%s”缺中文或英文 (中文 | English)")                      \
	X(LIST_TOO_LONG, "'%s' is too long", "“%s”过长")                                                               \
	X(NO_CLASS, "'%s' is not a class of devices", "“%s”不是设备类别")                                              \
	X(NO_CLASS_NAMED, "no class is named", "没有写类别")                                                           \
	X(NO_GEAR, "'%s' is not a kind of gear", "“%s”不是作业类型")                                                   \
	X(NO_GEAR_NAMED, "no gear is named", "没有写作业类型")                                                         \
	X(NO_SOURCE, "'%s' is none of: jt808, file, ais, beidou, jt809, nmea",                                         \
	  "“%s”应为其一: jt808, file, ais, beidou, jt809, nmea")                                                       \
	X(NO_SOURCE_NAMED, "no source is named", "没有写来源")                                                         \
	X(NO_FENCE_ID, "'%s' is not the id of a fence", "“%s”不是围栏编号")                                            \
	X(NO_WHERE, "'%s' is none of: any, tag:NAME, not tag:NAME, fence:ID",                                          \
	  "“%s”应为其一: any, tag:标签, not tag:标签, fence:编号")                                                     \
	X(BAD_TIMES, "'%s': no such time, an empty range, or too many, at '%s'",                                       \
	  "“%s”: 没有这样的时间、时段为空或过多, 在“%s”处")                                                            \
	X(NO_REMINDER_PLACE, "'%s' is not filled in here", "“%s”在这里没有可填的内容")                                 \
	X(NOT_IN_GBK, "'%s' is not in GBK", "“%s”不在 GBK 字符集内")                                                   \
	X(NO_REMINDER_WAY, "'%s' is not urgent, speech, display or advert",                                            \
	  "“%s”应为其一: urgent, speech, display, advert")                                                             \
	X(NO_REMINDER_WAY_NAMED, "no way is named", "没有写提醒方式")                                                  \
	X(NO_SCHEDULE, "'%s' is not a schedule, from '%s' on", "“%s”不是时间安排, 从“%s”起")                           \
	X(NO_INPUT, "'%s' is neither 'status bits 8-9' nor 'item E1 byte 0 mask 0x01'",                                \
	  "“%s”应为 'status bits 8-9' 或 'item E1 byte 0 mask 0x01'")                                                  \
	/* rules: numbers and words */                                                                                 \
	X(NOT_WITHIN, "'%s' is not within %s", "“%s”不在 %s 之内")                                                     \
	X(OUT_OF_RANGE, "'%s' is out of range", "“%s”超出范围")                                                        \
	X(NO_SPEED, "'%s' is not a speed in %s", "“%s”不是速度, 单位 %s")                                              \
	X(NO_TIME, "'%s' is not a time in %s", "“%s”不是时长, 单位 %s")                                                \
	X(NO_LENGTH, "'%s' is not a length in %s", "“%s”不是长度, 单位 %s")                                            \
	X(NO_PERCENTAGE, "'%s' is not a percentage in %s", "“%s”不是百分数, 单位 %s")                                  \
	X(NO_NUMBER, "'%s' is not a number", "“%s”不是数字")                                                           \
	X(NO_WHOLE_NUMBER, "'%s' is not a whole number without a unit", "“%s”应为不带单位的整数")                      \
	X(TOO_MANY_DECIMALS, "'%s' has more than one decimal", "“%s”小数多于一位")                                     \
	X(NO_UNIT, "'%s' has no unit (%s)", "“%s”没有单位 (%s)")                                                       \
	X(NO_UNIT_OF_SPEED, "'%s' is not a unit of speed (%s)", "“%s”不是速度单位 (%s)")                               \
	X(NO_UNIT_OF_TIME, "'%s' is not a unit of time (%s)", "“%s”不是时间单位 (%s)")                                 \
	X(NO_UNIT_OF_LENGTH, "'%s' is not a unit of length (%s)", "“%s”不是长度单位 (%s)")                             \
	X(NO_UNIT_OF_PERCENTAGE, "'%s' is not a unit of percentage (%s)", "“%s”不是百分数单位 (%s)")                   \
	X(NEITHER_YES_NOR_NO, "'%s' is neither yes nor no", "“%s”应为 yes 或 no")                                      \
	X(NONE_OF, "'%s' is none of: %s", "“%s”应为其一: %s")                                                          \
	X(TOO_MANY_TAGS, "'%s' is one tag more than %d", "“%s”超出标签数上限 %d")                                      \
	X(NO_TAG, "'%s' is not a tag (at most %d of a-z 0-9 _ - .)", "“%s”不能作标签 (最多 %d 个 a-z 0-9 _ - .)")      \
	X(NO_BIT, "'%s' is not a bit, 0 .. 31", "“%s”不是位号 0 .. 31")                                                \
	X(NO_BIT_NAMED, "no bit is named", "没有写位号")                                                               \
	X(NO_ALARM_TYPE, "'%s' is not item:type, such as 65:2 or 66:* (items 64 .. 67)",                               \
	  "“%s”应为 项:类型, 如 65:2 或 66:* (项 64 .. 67)")                                                           \
	X(TOO_MANY_TYPES, "more than 8 types", "类型多于 8 个")                                                        \
	X(NO_TYPE_NAMED, "no type is named", "没有写类型")                                                             \
	X(NO_HOURS, "'%s' is not hours of the day, such as 22:00-06:00", "“%s”不是时段, 如 22:00-06:00")               \
	X(NO_DATE, "'%s' is not a date, such as 2020-10-01", "“%s”不是日期, 如 2020-10-01")                            \
	X(CANNOT_BE_WRITTEN, "cannot be written", "不能写在文件里")                                                    \
	/* fences: what of a whole record is none (what is wrong in a file is fence_file.h's) */                       \
	X(FENCE_NO_ID, "an id of at most 63 bytes is needed", "需要不超过 63 字节的编号")                              \
	X(FENCE_TAGS, "tags are words of a-z 0-9 _ - . , at most 16", "标签由 a-z 0-9 _ - . 组成, 最多 16 个")         \
	X(FENCE_WHEN, "`when` is no schedule", "when 不是时间安排")                                                    \
	X(FENCE_VALIDITY, "`valid_to` is not after `valid_from`", "valid_to 不晚于 valid_from")                        \
	X(FENCE_PAST, "it begins in the past: say rejudge=1", "起始时间已过: 需注明 rejudge=1")                        \
	X(FENCE_LATER, "a later version of it exists", "已有更晚的版本")                                               \
	/* settings */                                                                                                 \
	X(NO_SUCH_SETTING, "%s: no such setting", "%s: 没有这个设置项")                                                \
	X(SETTING_TOO_LONG, "%s: %s is longer than %d bytes", "%s: %s 超过 %d 字节")                                   \
	X(SETTING_NOT_WITHIN, "%s: %s is not within %s", "%s: %s 不在 %s 之内")                                        \
	X(SETTING_NOT, "%s: %s is not %s", "%s: %s 应为 %s")                                                           \
	X(SETTING_TWICE, "%s: already set on line %u", "%s: 第 %u 行已设置")                                           \
	X(SETTING_NO_PAIR, "neither `name = value` nor a comment", "既不是“名 = 值”也不是注释")                        \
	X(SETTING_QUOTE, "a quoted value must end with its quote", "引号没有成对")                                     \
	X(SETTING_FILE_TOO_LONG, "%s: longer than %u bytes", "%s: 超过 %u 字节")                                       \
	X(SETTING_NO_VALUE, "--%.*s: a value is missing", "--%.*s: 缺少值")                                            \
	X(SETTING_NO_FLAG, "%s: not a flag (--name value)", "%s: 不是选项 (--名 值)")                                  \
	X(SETTING_TLS, "tls_cert and tls_key: one is set without the other", "tls_cert 与 tls_key 必须同时设置")

enum message {
#define X(ID, english, chinese) MESSAGE_##ID,
	MESSAGE_TABLE(X)
#undef X
		MESSAGE_COUNT
};

#define X(ID, english, chinese) static const char message_english_##ID[] __attribute__((unused)) = english;
MESSAGE_TABLE(X)
#undef X

#define MESSAGE(ID, ...)                                                                                               \
	((enum message)(0 ? snprintf(NULL, 0, message_english_##ID, ##__VA_ARGS__) : (int)MESSAGE_##ID))

enum language { LANGUAGE_ENGLISH, LANGUAGE_CHINESE, LANGUAGE_COUNT };
/* "zh", "zh_CN.UTF-8", "zh-Hans" are Chinese; anything else, and NULL, is English. */
enum language language_of(const char *tag);
/* Of LC_ALL, LC_MESSAGES or LANG in "NAME=value" texts that end with NULL: the first of them that says something. */
enum language language_of_environment(char *const *environment);

/* The format; static storage. */
const char *message_format(enum message message, enum language language);

/* bytes of one message in one language */
#define MESSAGE_TEXT_MAX 510
/* One message in every language; what is longer is cut between characters. */
struct message_texts {
	char in[LANGUAGE_COUNT][MESSAGE_TEXT_MAX + 1];
};
/* `message` comes from MESSAGE() with the same values. */
void message_say(struct message_texts *out, enum message message, ...);
void message_vsay(struct message_texts *out, enum message message, va_list values);

#endif
