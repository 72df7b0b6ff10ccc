# man pages, units, documentation
