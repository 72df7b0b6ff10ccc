# mtad-smtpd
mtalibexec_PROGRAMS += mtad/smtpd/mtad-smtpd
mtad_smtpd_mtad_smtpd_SOURCES = mtad/smtpd/smtpd.c
mtad_smtpd_mtad_smtpd_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_smtpd_mtad_smtpd_LDADD = $(MTAD_LIBS)
