# Nothing has to be sourced or installed first: every target makes what it needs.
#   make setup                  environment in .venv, both packages built into install/
#   make setup DISTRO=kilted    the same for ROS 2 Kilted, in .venv-kilted and install-kilted/
#   make demo [MODEL=] [BAG=]   a drive through the real node, results in demo_out/
#   make test | lint | bench    tests with linters; linters alone; speed and losses on this machine
#   make test-matrix [LEGS=]    the tests under Python 3.6, 3.8, 3.10 and 3.12, as far as they are here
# In a shell that has sourced a ROS 2 installation, that one is used instead of wheels.

SHELL := /bin/bash
RUN := tools/run.sh
export DISTRO PYTHON

.PHONY: setup demo test test-matrix lint bench clean

setup:
	@tools/setup.sh

demo: setup
	@$(RUN) espnet-perception demo $(if $(MODEL),--model '$(MODEL)') $(if $(BAG),--bag '$(BAG)')

test: setup
	@$(RUN) python3 -m pytest $(PYTEST_ARGS)

test-matrix: setup
	@tools/test_matrix.sh $(LEGS)

lint: setup
	@$(RUN) tools/lint.sh

bench: setup
	@$(RUN) espnet-perception bench $(if $(MODEL),--model '$(MODEL)')
	@$(RUN) python3 bench/node_overhead.py $(if $(MODEL),--model '$(MODEL)')
	@$(RUN) python3 bench/wire_loss.py

clean:
	rm -rf build build-* install install-* log log-* demo_out .pytest_cache .ruff_cache .setup.lock
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
