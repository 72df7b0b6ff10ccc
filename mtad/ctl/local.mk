# mtactl, sendmail and its names
