"""What cuts across the lines: duty desk, incidents, call board, one map, search. Reads queries, calls commands."""
