"""What the kernel is measured against. See README.md here for where each file comes from."""
