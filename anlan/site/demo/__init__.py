"""The demo site: a county of its own with its own folder and clock, everything in it marked 演练 and synthetic."""
