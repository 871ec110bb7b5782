"""The site: settings, urls, start-up checks, wiring of links to ports, supervisor, command line."""
