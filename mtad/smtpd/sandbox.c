#include "sandbox.h"

#include <seccomp.h>

const int smtpd_calls[] = { SCMP_SYS(accept4), SCMP_SYS(fdatasync),
	SCMP_SYS(getsockname), /* is an address literal ours? */
	SCMP_SYS(getsockopt), /* who is behind our own socket? */
	SCMP_SYS(shutdown), -1 };
