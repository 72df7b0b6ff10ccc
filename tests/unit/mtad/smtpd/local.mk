# unit tests of mtad-smtpd
