/*
 * sandbox: the system calls of mtad-smtpd beyond those of every loop
 * (priv.h). Nothing in it can change a byte that was written before
 * (LIBRARIES.md, Append-only descriptors): a smtpd in other hands can append
 * to its own segment, and cannot unwrite what was acknowledged.
 */
#ifndef SMTP_SANDBOX_H
#define SMTP_SANDBOX_H

extern const int smtpd_calls[]; /* for priv_filter() */

#endif
