# mtad-smtpd: a library for the tests, and the program
noinst_LIBRARIES += mtad/smtpd/libsmtpd.a
mtad_smtpd_libsmtpd_a_SOURCES = \
	mtad/smtpd/access.c mtad/smtpd/access.h \
	mtad/smtpd/asks.c mtad/smtpd/asks.h \
	mtad/smtpd/bodies.c mtad/smtpd/bodies.h \
	mtad/smtpd/budget.c mtad/smtpd/budget.h \
	mtad/smtpd/body.c mtad/smtpd/body.h \
	mtad/smtpd/context.c \
	mtad/smtpd/dropin.c mtad/smtpd/dropin.h \
	mtad/smtpd/fsm.c mtad/smtpd/fsm.h \
	mtad/smtpd/message.c mtad/smtpd/message.h \
	mtad/smtpd/params.c mtad/smtpd/params.h \
	mtad/smtpd/received.c mtad/smtpd/received.h \
	mtad/smtpd/sandbox.c mtad/smtpd/sandbox.h \
	mtad/smtpd/session.c mtad/smtpd/session.h \
	mtad/smtpd/session_log.c \
	mtad/smtpd/session_new.c \
	mtad/smtpd/store.c mtad/smtpd/store.h \
	mtad/smtpd/submission.c mtad/smtpd/submission.h \
	mtad/smtpd/verb_data.c \
	mtad/smtpd/verb_hello.c \
	mtad/smtpd/verb_mail.c \
	mtad/smtpd/verb_misc.c \
	mtad/smtpd/verb_rcpt.c
mtad_smtpd_libsmtpd_a_CPPFLAGS = $(MTAD_CPPFLAGS)
mtalibexec_PROGRAMS += mtad/smtpd/mtad-smtpd
mtad_smtpd_mtad_smtpd_SOURCES = mtad/smtpd/smtpd.c
mtad_smtpd_mtad_smtpd_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_smtpd_mtad_smtpd_LDADD = mtad/smtpd/libsmtpd.a $(MTAD_LIBS)
