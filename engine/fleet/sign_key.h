/* sign_key.h -- the key with which an installation signs its days (day_chain.h): Ed25519 (RFC 8032), by OpenSSL.
 *
 *   DIR/digest.key   PKCS #8 as PEM, mode 0600, made at the first start; who loses it cannot sign on, who copies it can
 *                    sign as this installation
 *
 * Threads: any. */
#ifndef ZAYTON_FLEET_SIGN_KEY_H
#define ZAYTON_FLEET_SIGN_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

#define SIGN_PUBLIC_SIZE 32
#define SIGN_SIGNATURE_SIZE 64

struct sign_key;
/* The key of the folder; made when it is missing and `make` says so. STATUS_NOT_FOUND; STATUS_CORRUPT: no Ed25519 key;
 * STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY. The reason is logged. */
STATUS_CHECKED enum status sign_key_open(const char *dir, bool make, struct sign_key **out);
/* NULL is allowed. */
void sign_key_free(struct sign_key *k);
const uint8_t *sign_key_public(const struct sign_key *k);
STATUS_CHECKED enum status sign_key_sign(const struct sign_key *k, struct span text,
					 uint8_t signature[SIGN_SIGNATURE_SIZE]);
bool sign_verify(const uint8_t public[SIGN_PUBLIC_SIZE], struct span text,
		 const uint8_t signature[SIGN_SIGNATURE_SIZE]);

#endif
