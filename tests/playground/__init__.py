"""Tests of the playground: the session, the server, the page in a browser, the static site and the notebook widget."""
