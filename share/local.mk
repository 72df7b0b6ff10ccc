# man pages, units, documentation, the packaged configuration
#
# Pages whose names are every mailer's have a section of their own, as another
# one's may be installed: man finds whichever is there, man 8mtad sendmail ours.
dist_man_MANS = \
	share/man/aliases.5mtad \
	share/man/forward.5mtad \
	share/man/mailq.1mtad \
	share/man/mta-control.7 \
	share/man/mta-events.7 \
	share/man/mta-foreign.7 \
	share/man/mta-store.7 \
	share/man/mta-stat.7 \
	share/man/mtacollect.8 \
	share/man/mtacollect.conf.5 \
	share/man/mtactl.8 \
	share/man/mtad-local.8 \
	share/man/mtad-lookup.8 \
	share/man/mtad-queue.8 \
	share/man/mtad-remote.8 \
	share/man/mtad-smtpd.8 \
	share/man/mtad.8 \
	share/man/mtad.conf.5 \
	share/man/mtatop.1 \
	share/man/mtatrace.1 \
	share/man/newaliases.1mtad \
	share/man/sendmail.8mtad
dist_doc_DATA = README share/doc/spool.md
EXTRA_DIST += share/conf/mtad.conf share/units/mtad.service \
	share/units/mtacollect.service \
	share/units/mtad.sysusers share/units/mtad.tmpfiles

unitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d

# They name programs by their paths.
PATHS = $(SED) -e 's|/usr/sbin/|$(sbindir)/|g' \
	-e 's|/usr/libexec/mtad/|$(mtalibexecdir)/|g' \
	-e 's|/var/spool/mtad|$(mtaspooldir)|g' \
	-e 's|/var/lib/mtad|$(mtastoredir)|g'

# The packaged mtad.conf never replaces one that is there. Users read it, too:
# sendmail runs as they.
install-data-local:
	$(MKDIR_P) $(DESTDIR)$(sysconfdir)/mtad $(DESTDIR)$(unitdir) \
	    $(DESTDIR)$(sysusersdir) $(DESTDIR)$(tmpfilesdir)
	for f in share/conf/mtad.conf:$(sysconfdir)/mtad/mtad.conf \
	    share/units/mtad.service:$(unitdir)/mtad.service \
	    share/units/mtacollect.service:$(unitdir)/mtacollect.service \
	    share/units/mtad.tmpfiles:$(tmpfilesdir)/mtad.conf \
	    share/units/mtad.sysusers:$(sysusersdir)/mtad.conf; do \
		to=$(DESTDIR)$${f#*:}; \
		case $$to in */mtad/mtad.conf) test ! -e $$to || continue;; esac; \
		$(PATHS) $(srcdir)/$${f%%:*} >$$to && chmod 644 $$to || exit 1; \
	done

# Mail and logs stay.
uninstall-hook:
	rm -f $(DESTDIR)$(unitdir)/mtad.service \
	    $(DESTDIR)$(unitdir)/mtacollect.service \
	    $(DESTDIR)$(sysusersdir)/mtad.conf \
	    $(DESTDIR)$(tmpfilesdir)/mtad.conf \
	    $(DESTDIR)$(mtalibexecdir)/mailq $(DESTDIR)$(mtalibexecdir)/newaliases
	if $(PATHS) $(srcdir)/share/conf/mtad.conf | \
	    cmp -s - $(DESTDIR)$(sysconfdir)/mtad/mtad.conf; then \
	    rm -f $(DESTDIR)$(sysconfdir)/mtad/mtad.conf; fi
	-rmdir $(DESTDIR)$(mtalibexecdir) $(DESTDIR)$(docdir) \
	    $(DESTDIR)$(sysconfdir)/mtad 2>/dev/null
	@d=$(DESTDIR)$(mtaspooldir); test ! -d $$d/segment || \
	    echo "$(mtaspooldir) is kept:" `mtad/queue/mtad-queue --check $$d | \
		tail -n 1` "and `ls $$d/drop | wc -l` in drop/"
