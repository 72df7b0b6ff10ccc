# stories of the client side: mtad-remote against scripted servers
check_PROGRAMS += tests/dialogue/remote/stories
EXTRA_DIST += tests/dialogue/remote
tests_dialogue_remote_stories_SOURCES = \
	tests/dialogue/remote/daemon.c tests/dialogue/remote/daemon.h \
	tests/dialogue/remote/nameserver.c tests/dialogue/remote/nameserver.h \
	tests/dialogue/remote/server.c tests/dialogue/remote/server.h \
	tests/dialogue/remote/steps_ask.c \
	tests/dialogue/remote/steps_mail.c \
	tests/dialogue/remote/steps_server.c \
	tests/dialogue/remote/stories.c tests/dialogue/remote/story.h
tests_dialogue_remote_stories_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_dialogue_remote_stories_LDADD = $(UNIT_LIBS)
