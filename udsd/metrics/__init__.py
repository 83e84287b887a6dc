"""Counters of what became of the datagrams, and their reports to the journal and to a file for Prometheus."""
