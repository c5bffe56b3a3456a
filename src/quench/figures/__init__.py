"""One module per figure: ``compute`` makes the plotted numbers, ``draw`` the picture from them alone."""
