/* duty_keys.h -- the rows of family `duty`, by their first byte.
 *
 *   alarms      0x01 | ~id 8, 0x02 | id 8 | number 4        a book (book.h)
 *               0x03 | case 8                               id 8: the alarm of a finding, for ever
 *               0x04                                        feed 8: up to where findings were looked at
 *               0x05 | id 8                                 empty: nobody has acknowledged it
 *   incidents   0x10 | ~id 8, 0x11 | id 8 | number 4        a book
 *   messages    0x20 | ~id 8, 0x21 | id 8 | number 4        a book
 *               0x22 | id 8                                 empty: not ended
 *   warnings    0x30 | ~id 8, 0x31 | id 8 | number 4        a book
 *               0x32 | identifier 8 | sent 8 | part 1       id 8: of one message of an issuer
 *               0x33 | identifier 8 | id 8                  empty: the warning `id` replaces or ends that identifier
 *               0x34 | id 8 | number 2                      fence_encode() of an area (warnings.h)
 *               0x35 | id 8                                 empty: its fences are still to be put
 *   shift log   0x40 | ~number 8                            an entry (shift_log.h), never rewritten
 *   headcounts  0x50 | subject 8 | ~at 8 | ~number 8        what was said of a boat or a raft, never rewritten
 *
 * Times are biased by 2^63, identifiers are hashes; all big-endian. */
#ifndef ZAYTON_DUTY_KEYS_H
#define ZAYTON_DUTY_KEYS_H

enum duty_tag {
	DUTY_ALARMS = 0x01,
	DUTY_ALARM_OF_CASE = 0x03,
	DUTY_FEED = 0x04,
	DUTY_ALARMS_OPEN = 0x05,
	DUTY_INCIDENTS = 0x10,
	DUTY_MESSAGES = 0x20,
	DUTY_MESSAGES_OPEN = 0x22,
	DUTY_WARNINGS = 0x30,
	DUTY_WARNING_OF = 0x32,
	DUTY_WARNING_ENDS = 0x33,
	DUTY_WARNING_AREAS = 0x34,
	DUTY_WARNING_DUE = 0x35,
	DUTY_LOG = 0x40,
	DUTY_HEADCOUNTS = 0x50,
};

#endif
