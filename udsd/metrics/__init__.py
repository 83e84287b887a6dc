"""What became of the datagrams, counted, and where the counts are written."""
