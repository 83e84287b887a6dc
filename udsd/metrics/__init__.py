"""Counters of what became of the datagrams, and where they are reported: the journal and a file for Prometheus."""
