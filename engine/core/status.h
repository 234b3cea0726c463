/* status.h -- the one table of outcomes.
 *
 * Every fallible function returns `enum status`; zero is success and results travel through
 * out pointers. The class tells what to do with a failure:
 *   peer    bytes or values from outside are wrong: expected, counted, never asserted
 *   caller  this program misused a function: a defect
 *   system  the machine refused: disk, memory, sockets */
#ifndef ZAYTON_CORE_STATUS_H
#define ZAYTON_CORE_STATUS_H

#define STATUS_TABLE(X)                                                                                                \
	X(OK, peer, "ok")                                                                                              \
	X(NEED_MORE, peer, "more bytes are needed")                                                                    \
	X(END, peer, "no more items")                                                                                  \
	X(MALFORMED, peer, "malformed")                                                                                \
	X(BAD_ESCAPE, peer, "bad escape sequence")                                                                     \
	X(BAD_CHECKSUM, peer, "checksum does not match")                                                               \
	X(BAD_LENGTH, peer, "length does not match the content")                                                       \
	X(BAD_VERSION, peer, "unknown version")                                                                        \
	X(BAD_TIME, peer, "not a valid time")                                                                          \
	X(OUT_OF_RANGE, peer, "value out of range")                                                                    \
	X(TOO_LONG, peer, "longer than allowed")                                                                       \
	X(UNSUPPORTED, peer, "not supported")                                                                          \
	X(ENCRYPTED, peer, "encrypted, and no key is held")                                                            \
	X(NOT_FOUND, peer, "not found")                                                                                \
	X(EXISTS, peer, "already exists")                                                                              \
	X(CONFLICT, peer, "conflicts with what is stored")                                                             \
	X(DENIED, peer, "not permitted")                                                                               \
	X(FULL, caller, "no room left within the given bound")                                                         \
	X(EMPTY, caller, "nothing to work on")                                                                         \
	X(INVALID, caller, "invalid argument")                                                                         \
	X(BUSY, system, "busy, try again")                                                                             \
	X(CLOSED, system, "closed")                                                                                    \
	X(NO_MEMORY, system, "out of memory")                                                                          \
	X(IO, system, "input or output failed")                                                                        \
	X(NO_SPACE, system, "no space left on the disk")                                                               \
	X(CORRUPT, system, "stored data is damaged")                                                                   \
	X(CANCELLED, system, "cancelled")

enum status {
#define X(name, class_, text) STATUS_##name,
	STATUS_TABLE(X)
#undef X
		STATUS_COUNT
};

enum status_class { STATUS_CLASS_peer, STATUS_CLASS_caller, STATUS_CLASS_system };

#define STATUS_CHECKED __attribute__((warn_unused_result))

/* Token for logs, metrics and JSON ("BAD_CHECKSUM"); static storage. */
const char *status_name(enum status status);
/* English sentence fragment; static storage. */
const char *status_text(enum status status);
enum status_class status_class(enum status status);

#endif
