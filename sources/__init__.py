"""Sources: reads git repositories, archives and registry packages, and never runs what it reads."""
