"""Posts that answer, persons who hold them, rosters, accounts, roles and scope."""
