"""Template tags, one module: `ui`, a builtin of every template."""
