/*
 * params: what stands behind the path of MAIL and RCPT. Pure.
 *
 * SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY
 * and ORCPT (RFC 3461). xtext is decoded and may hold no control characters:
 * nothing hides in +0A.
 */
#ifndef SMTP_PARAMS_H
#define SMTP_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

#define ENVID_MAX 100 /* RFC 3461 section 4.4 */
#define ORCPT_MAX 500 /* section 4.2 */

struct mail_params {
	uint64_t size; /* 0: not said */
	uint32_t flags; /* ENV_8BIT, ENV_UTF8 */
	uint8_t ret;
	char envid[ENVID_MAX + 1]; /* decoded */
};

struct rcpt_params {
	uint8_t notify; /* 0: not said */
	char orcpt[ORCPT_MAX + 1]; /* "rfc822;user@host", decoded */
};

/* NULL, or the refusal: code, enhanced code and words in one text. is_utf8:
 * the transaction has SMTPUTF8, so ORCPT may hold UTF-8 as it is (RFC 6533). */
const char *mail_params(struct slice, struct mail_params *ret);
const char *rcpt_params(struct slice, bool is_utf8, struct rcpt_params *ret);
/*
 * RFC 3461 section 4: 0 and the text, or -1. Refuses what decodes to control
 * characters, C1 ones too, and to more than max bytes; bytes from 0x80 on
 * must be UTF-8, and stand there undecoded only when is_utf8.
 */
int xtext_decode(struct slice, bool is_utf8, char *ret, size_t max);

#endif
