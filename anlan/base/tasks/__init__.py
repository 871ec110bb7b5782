"""What a post owes by a deadline, with the evidence that proves it. Everything assigned to anybody is one."""
