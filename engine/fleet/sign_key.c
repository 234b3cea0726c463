#include "engine/fleet/sign_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/log.h"

#define KEY_NAME "digest.key"

struct sign_key {
	EVP_PKEY *pair;
	uint8_t public[SIGN_PUBLIC_SIZE];
};

static enum status failed(const char *path)
{
	int why = errno;
	log_error("digests", "%s: %s", path, strerror(why));
	return why == ENOSPC || why == EDQUOT ? STATUS_NO_SPACE : STATUS_IO;
}

/* --- making --- */

static EVP_PKEY *draw(void)
{
	EVP_PKEY *pair = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
	if (!context || EVP_PKEY_keygen_init(context) != 1 || EVP_PKEY_keygen(context, &pair) != 1)
		pair = NULL;
	EVP_PKEY_CTX_free(context);
	return pair;
}

static bool sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

static bool write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		size -= (size_t)n;
	}
	return true;
}

static bool write_pem(int fd, EVP_PKEY *pair)
{
	char *text = NULL;
	BIO *memory = BIO_new(BIO_s_mem());
	bool good = memory && PEM_write_bio_PrivateKey(memory, pair, NULL, NULL, 0, NULL, NULL) == 1;
	long size = good ? BIO_get_mem_data(memory, &text) : 0;
	good = good && write_all(fd, text, (size_t)size);
	BIO_free(memory);
	return good;
}

/* Whole under its name or not there: a crash in between leaves another name. */
static enum status write_pair(const char *dir, const char *path, EVP_PKEY *pair)
{
	char fresh[4096];
	if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
		return STATUS_TOO_LONG;
	unlink(fresh);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(fresh);
	bool good = write_pem(fd, pair) && fsync(fd) == 0;
	good = close(fd) == 0 && good;
	good = good && rename(fresh, path) == 0 && sync_folder(dir);
	return good ? STATUS_OK : failed(path);
}

static enum status make(const char *dir, const char *path, EVP_PKEY **out)
{
	EVP_PKEY *pair = draw();
	enum status status = pair ? write_pair(dir, path, pair) : STATUS_NO_MEMORY;
	if (status)
		EVP_PKEY_free(pair);
	else
		*out = pair;
	return status;
}

/* --- reading --- */

static enum status read_pair(const char *path, EVP_PKEY **out)
{
	struct stat seen;
	FILE *file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? STATUS_NOT_FOUND : failed(path);
	if (fstat(fileno(file), &seen) == 0 && seen.st_mode & 077)
		log_warn("digests", "%s can be read by others: whoever has it can sign in this installation's name",
			 path);
	*out = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	if (*out && EVP_PKEY_id(*out) == EVP_PKEY_ED25519)
		return STATUS_OK;
	log_error("digests", "%s holds no Ed25519 key", path);
	EVP_PKEY_free(*out);
	return STATUS_CORRUPT;
}

enum status sign_key_open(const char *dir, bool make_it, struct sign_key **out)
{
	char path[4000];
	struct sign_key *k = calloc(1, sizeof *k);
	size_t size = SIGN_PUBLIC_SIZE;
	if (!k || snprintf(path, sizeof path, "%s/%s", dir, KEY_NAME) >= (int)sizeof path) {
		free(k);
		return k ? STATUS_TOO_LONG : STATUS_NO_MEMORY;
	}
	enum status status = read_pair(path, &k->pair);
	if (status == STATUS_NOT_FOUND && make_it)
		status = make(dir, path, &k->pair);
	if (!status && EVP_PKEY_get_raw_public_key(k->pair, k->public, &size) != 1)
		status = STATUS_CORRUPT;
	if (status) {
		free(k);
		return status;
	}
	*out = k;
	return STATUS_OK;
}

void sign_key_free(struct sign_key *k)
{
	if (k)
		EVP_PKEY_free(k->pair);
	free(k);
}

const uint8_t *sign_key_public(const struct sign_key *k)
{
	return k->public;
}

/* --- signing --- */

enum status sign_key_sign(const struct sign_key *k, struct span text, uint8_t signature[SIGN_SIGNATURE_SIZE])
{
	size_t size = SIGN_SIGNATURE_SIZE;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestSignInit(md, NULL, NULL, NULL, k->pair) == 1 &&
		    EVP_DigestSign(md, signature, &size, text.data, text.size) == 1;
	EVP_MD_CTX_free(md);
	return good ? STATUS_OK : STATUS_NO_MEMORY;
}

bool sign_verify(const uint8_t public[SIGN_PUBLIC_SIZE], struct span text, const uint8_t signature[SIGN_SIGNATURE_SIZE])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, SIGN_PUBLIC_SIZE);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = key && md && EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(md, signature, SIGN_SIGNATURE_SIZE, text.data, text.size) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return good;
}
