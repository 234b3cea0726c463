#include "query/http/http_policy.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <strings.h>

#include "query/http/http_accounts.h"

static bool only_reads(enum http_method method)
{
	return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS;
}

enum status policy_of_token(const struct http_token *tokens, size_t count, const struct http_request *request,
			    struct span token, struct principal *out)
{
	uint8_t digest[32];
	const struct http_token *found = NULL;
	if (!EVP_Digest(token.data, token.size, digest, NULL, EVP_sha256(), NULL))
		return STATUS_DENIED;
	for (size_t i = 0; i < count; i++)
		if (!CRYPTO_memcmp(tokens[i].sha256, digest, sizeof digest))
			found = &tokens[i];
	if (!found)
		return STATUS_DENIED;
	if (found->read_only && !only_reads(request->method))
		return STATUS_UNSUPPORTED;
	*out = found->principal;
	return STATUS_OK;
}

/* The host part of "name", "name:port", "[v6]:port". */
static struct span host_name(const char *host)
{
	if (*host == '[') {
		size_t size = strcspn(host + 1, "]");
		return span_of(host + 1, size);
	}
	return span_of(host, strcspn(host, ":"));
}

static bool host_is_address(const char *host)
{
	struct span name = host_name(host);
	if (*host == '[')
		return true;
	if (name.size == 9 && !strncasecmp((const char *)name.data, "localhost", 9))
		return true;
	for (size_t i = 0; i < name.size; i++)
		if (name.data[i] != '.' && (name.data[i] < '0' || name.data[i] > '9'))
			return false;
	return true; /* digits and dots, or no Host at all (HTTP/1.0) */
}

enum status policy_of_loopback(const struct http_request *request, struct principal *out)
{
	if (!request->loopback)
		return STATUS_DENIED;
	if (!host_is_address(request->host) || !request_origin_is_own(request))
		return STATUS_UNSUPPORTED;
	*out = principal_local;
	return STATUS_OK;
}
