# Everyday commands. ./run and ./test set up what they need; these expect it to be there (./run --dev).
PY = .venv/bin/python
export DJANGO_SETTINGS_MODULE = anlan.site.settings

.PHONY: check lint types layers packs translations migrations lock vendor bench bench-years soak
check: setup lint types layers packs translations migrations

.PHONY: setup
setup:
	./run --dev
lint:
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
types:
	$(PY) -m mypy
layers:
	.venv/bin/lint-imports
packs:
	$(PY) -m anlan.site.checks.packs
translations:
	$(PY) -m anlan.site.checks.translations
migrations:
	ANLAN_DATA=$$(mktemp -d) $(PY) -m django makemigrations --check --dry-run
	$(PY) -m anlan.site.checks.portable_sql
lock:
	cd requirements && uv pip compile -q --universal --python-version 3.11 --generate-hashes run.in -o run.txt
	cd requirements && uv pip compile -q --universal --python-version 3.11 --generate-hashes dev.in -o dev.txt
vendor:
	$(PY) tools/vendor.py
bench:
	$(PY) -m tests.bench
bench-years:
	$(PY) -m tests.bench.readings --readings 100000000 --write
soak:
	$(PY) -m tests.bench.soak
