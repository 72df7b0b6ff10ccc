# unit tests of mtad-remote's pure parts
REMOTE_UNIT_TESTS = \
	tests/unit/mtad/remote/test_answer \
	tests/unit/mtad/remote/test_command \
	tests/unit/mtad/remote/test_lines \
	tests/unit/mtad/remote/test_reply \
	tests/unit/mtad/remote/test_target
check_PROGRAMS += $(REMOTE_UNIT_TESTS)
REMOTE_UNIT_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/remote
REMOTE_UNIT_LIBS = mtad/remote/libremote.a $(UNIT_LIBS) -lresolv

tests_unit_mtad_remote_test_answer_SOURCES = tests/unit/mtad/remote/test_answer.c
tests_unit_mtad_remote_test_answer_CPPFLAGS = $(REMOTE_UNIT_CPPFLAGS)
tests_unit_mtad_remote_test_answer_LDADD = $(REMOTE_UNIT_LIBS)
tests_unit_mtad_remote_test_command_SOURCES = tests/unit/mtad/remote/test_command.c
tests_unit_mtad_remote_test_command_CPPFLAGS = $(REMOTE_UNIT_CPPFLAGS)
tests_unit_mtad_remote_test_command_LDADD = $(REMOTE_UNIT_LIBS)
tests_unit_mtad_remote_test_lines_SOURCES = tests/unit/mtad/remote/test_lines.c
tests_unit_mtad_remote_test_lines_CPPFLAGS = $(REMOTE_UNIT_CPPFLAGS)
tests_unit_mtad_remote_test_lines_LDADD = $(REMOTE_UNIT_LIBS)
tests_unit_mtad_remote_test_reply_SOURCES = tests/unit/mtad/remote/test_reply.c
tests_unit_mtad_remote_test_reply_CPPFLAGS = $(REMOTE_UNIT_CPPFLAGS)
tests_unit_mtad_remote_test_reply_LDADD = $(REMOTE_UNIT_LIBS)
tests_unit_mtad_remote_test_target_SOURCES = tests/unit/mtad/remote/test_target.c
tests_unit_mtad_remote_test_target_CPPFLAGS = $(REMOTE_UNIT_CPPFLAGS)
tests_unit_mtad_remote_test_target_LDADD = $(REMOTE_LIBS) $(UNIT_LIBS)
