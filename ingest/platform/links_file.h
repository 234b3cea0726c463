/* links_file.h -- the platforms we are linked with: one readable file, every mistake at its line.
 *
 *   [links]                         # once; what concerns all
 *   listen = 0.0.0.0:8809           # where platforms below us dial in (main links)
 *   heartbeat = 60 s                # silent for three of them: the link is dropped
 *   statistics_every = 10000        # positions per 0x9101
 *
 *   [lower bus]                     # a platform below us; `bus` names the link
 *   title = 公交集团平台
 *   access_code = 1001
 *   user = 1001
 *   password = secret
 *   edition = 2011 | 2019 | detect
 *   m1 = 30000000  ia1 = ...  ic1 = ...      (a line each) constants of the cipher
 *   encrypt = no                    # whether we encipher what we say
 *   addresses = 10.1.0.0/16, 127.0.0.1       # where it may dial from; any when left out
 *   vehicles = allow | open | keep  # unknown plates, as `terminals` of the settings
 *
 *   [upper province]                # a platform above us: we dial it
 *   address = 10.0.0.1:8809
 *   sub_listen = 0.0.0.0:8810       # where it dials back
 *   sub_address = 10.1.0.2          # the address we tell it; the port is that of sub_listen
 *   (access_code, user, password, edition, m1, ia1, ic1, encrypt as above; edition without detect)
 *   classes = coach, hazmat         # what is forwarded: any of the three
 *   companies = 甲公司, 乙公司
 *   plates = 2:闽C12345, 1:闽C12345
 *   findings = yes                  # as alarms (0x1402)
 *   catch_up = 7 d                  # how far back it goes after an outage
 *   platform = 35050000001          # our own code, in alarms and answers
 *
 * `#` at the start of a line or behind a blank begins a comment. Read once at the start; immutable afterwards. */
#ifndef ZAYTON_INGEST_LINKS_FILE_H
#define ZAYTON_INGEST_LINKS_FILE_H

#include "engine/core/settings.h"
#include "engine/fleet/registry.h"
#include "ingest/jt809/jt809.h"

#define LINKS_MAX 64
#define LINKS_FILE_MAX (1u << 20)
#define LINK_NAME_MAX 31
#define LINK_ADDRESSES_MAX 16
#define LINK_CHOICES_MAX 64
/* mistakes of one file that are told */
#define LINKS_MISTAKES_MAX 1000

enum link_role { LINK_LOWER, LINK_UPPER }; /* what the other side is to us */
enum link_admission { LINK_ALLOW, LINK_OPEN, LINK_KEEP };

/* An address and how many of its bits count. IPv4 is kept mapped into IPv6 (::ffff:a.b.c.d). */
struct link_network {
	uint8_t bytes[16];
	uint8_t bits;
};

struct link_config {
	char name[LINK_NAME_MAX + 1];
	char title[128];
	unsigned line; /* of its section */
	enum link_role role;
	uint32_t access_code, user;
	char password[9];
	enum jt809_edition edition;
	struct jt809_cipher cipher;
	bool encrypt;
	char platform[12];
	/* LOWER */
	struct link_network networks[LINK_ADDRESSES_MAX];
	size_t network_count; /* 0: from anywhere */
	enum link_admission vehicles;
	/* UPPER */
	char host[SETTINGS_HOST_MAX], sub_host[SETTINGS_HOST_MAX], sub_address[SETTINGS_HOST_MAX];
	uint16_t port, sub_port; /* sub_port 0: any free one */
	uint32_t classes;        /* bit = enum device_class */
	char companies[LINK_CHOICES_MAX][DEVICE_VALUE_MAX + 1];
	size_t company_count;
	char plates[LINK_CHOICES_MAX][DEVICE_VALUE_MAX + 1]; /* as the registry keeps them */
	size_t plate_count;
	bool findings;
	int64_t catch_up_ms;
};

struct link_book {
	char listen_host[SETTINGS_HOST_MAX]; /* "": nobody may dial in */
	uint16_t listen_port;                /* 0: any free one */
	uint32_t heartbeat_ms;
	uint32_t statistics_every;
	struct link_config *links;
	size_t count;
};

/* `line` 0: of the file as a whole. */
typedef void links_mistake(void *context, unsigned line, const char *english, const char *chinese);
/* Every mistake is told; STATUS_MALFORMED when there was any, and `*out` is empty then. STATUS_TOO_LONG,
 * STATUS_NO_MEMORY. Free with links_free(). */
STATUS_CHECKED enum status links_parse(struct span text, links_mistake *tell, void *context, struct link_book *out);
/* The same from a file; STATUS_IO, STATUS_NOT_FOUND. */
STATUS_CHECKED enum status links_read(const char *path, links_mistake *tell, void *context, struct link_book *out);
void links_free(struct link_book *book);

/* Whether an address of text (IPv4 or IPv6) may dial in on this link. */
bool link_allows(const struct link_config *c, const char *address);

#endif
