"""Back ends: what makes a program run, one file or package each."""
