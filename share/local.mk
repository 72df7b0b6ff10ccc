# man pages, units, documentation, the packaged configuration
dist_man_MANS = share/man/mtad.8 share/man/mtactl.8 share/man/mtad.conf.5
EXTRA_DIST += share/doc/spool.md share/conf/mtad.conf share/units/mtad.service \
	share/units/mtad.sysusers share/units/mtad.tmpfiles

# The packaged mtad.conf never replaces one that is there.
install-data-local:
	$(MKDIR_P) $(DESTDIR)$(sysconfdir)/mtad \
	    $(DESTDIR)$(prefix)/lib/systemd/system \
	    $(DESTDIR)$(prefix)/lib/sysusers.d $(DESTDIR)$(prefix)/lib/tmpfiles.d
	test -e $(DESTDIR)$(sysconfdir)/mtad/mtad.conf || \
	    $(INSTALL_DATA) $(srcdir)/share/conf/mtad.conf \
	    $(DESTDIR)$(sysconfdir)/mtad/mtad.conf
	$(INSTALL_DATA) $(srcdir)/share/units/mtad.service \
	    $(DESTDIR)$(prefix)/lib/systemd/system/mtad.service
	$(INSTALL_DATA) $(srcdir)/share/units/mtad.sysusers \
	    $(DESTDIR)$(prefix)/lib/sysusers.d/mtad.conf
	$(INSTALL_DATA) $(srcdir)/share/units/mtad.tmpfiles \
	    $(DESTDIR)$(prefix)/lib/tmpfiles.d/mtad.conf

# Mail and logs stay.
uninstall-hook:
	rm -f $(DESTDIR)$(prefix)/lib/systemd/system/mtad.service \
	    $(DESTDIR)$(prefix)/lib/sysusers.d/mtad.conf \
	    $(DESTDIR)$(prefix)/lib/tmpfiles.d/mtad.conf \
	    $(DESTDIR)$(mtalibexecdir)/mailq $(DESTDIR)$(mtalibexecdir)/newaliases
	cmp -s $(srcdir)/share/conf/mtad.conf $(DESTDIR)$(sysconfdir)/mtad/mtad.conf && \
	    rm -f $(DESTDIR)$(sysconfdir)/mtad/mtad.conf || true
	@test ! -d $(DESTDIR)$(mtaspooldir)/segment || \
	    echo "$(mtaspooldir) is kept: `ls $(DESTDIR)$(mtaspooldir)/segment | wc -l` segments of mail"
