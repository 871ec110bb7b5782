"""What every line of defence shares: journal, places, people, tasks. A slice imports only those named before it."""
