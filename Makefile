# What CI runs, and nothing else. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first Python that this project supports; override with `make PYTHON=python3.12 ...`
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
VENV := .venv
BIN := $(VENV)/bin
PIP := -m pip --disable-pip-version-check --no-input
UV_COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-annotate --custom-compile-command "make lock"
SOURCES := interchange edge_service matcher_service firmware hardware deploy models benchmarks demo tests
HIL := .venv-hil
# "=", not "?=": some shells export a variable of that name
ENV = hardware/bench/environments/virtual.yaml
ARCH =
PYTHON_DEB = 3.11
STEPS ?= 20000
SEED ?= 1

.PHONY: help setup demo test test-postgres postgres lint firmware deb test-deb test-arm64 hil model bench-accuracy lock clean system-packages browser

help:  ## this list
	@echo "Whorl: open fingerprint identification for small county jails"; echo
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## */  make \1\t/' | expand -t 22
	@echo; echo "  make demo PRINTS=DIR    the demo on your own images, <finger>_<impression>.png|tif|bmp|wsq"
	@echo "  make demo STAY=1        the console stays, with people to sign in as, until you stop it"
	@echo "  make demo SECURE=1      the kiosk is invited and certified, and all it says is signed and sealed"
	@echo "  make deb ARCH=arm64     for another architecture; PYTHON_DEB=3.13 for trixie; PACKAGE=whorl-kiosk for one only"
	@echo "  make firmware KEY=FILE  sign with your Ed25519 key (PEM) instead of a developer's key"
	@echo "  make hil ENV=FILE       the same on your bench: hardware/bench/environments/real.yaml, or your own"
	@echo "  make model DATA=DIR     teach the network anew from a folder of PNG prints (hours)"

setup: $(VENV)/.ready system-packages  ## the virtual environment, its locked packages, and Debian's mosquitto

# Only what is missing is asked of the package manager. We need the broker's program, not its service, so a
# service that came with it just now is switched off again; one that was there before is left alone.
system-packages:
	@if ! command -v mosquitto >/dev/null && ! [ -x /usr/sbin/mosquitto ]; then \
	  echo "Installing mosquitto, the MQTT broker (needs root)"; \
	  $(SUDO) apt-get -o Acquire::Retries=3 update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mosquitto >/dev/null && \
	  { ! [ -d /run/systemd/system ] || $(SUDO) systemctl -q disable --now mosquitto || true; }; \
	fi

browser:
	@if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then \
	  echo "Installing chromium, for the tests of the kiosk's page (needs root)"; \
	  $(SUDO) apt-get -o Acquire::Retries=3 update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	    chromium fonts-dejavu-core >/dev/null; \
	fi

$(VENV)/.ready: requirements/lock.txt pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11, 3.12 or 3.13 found. Install one: sudo apt install python3 python3-venv"; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "Installing python3-venv (needs root)"; \
	  $(SUDO) apt-get -o Acquire::Retries=3 update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; \
	fi
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked Python packages"
	@$(BIN)/python $(PIP) install -q --require-hashes --only-binary :all: -r requirements/lock.txt
	@$(BIN)/python $(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## bookings from the sensor to the reply, and all that follows from one, to the oversight report
	@$(BIN)/python -m demo $(if $(PRINTS),--prints "$(PRINTS)") $(if $(SECURE),--secure) $(if $(STAY),--stay) $(DEMO_OPTIONS)

test: setup browser  ## all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

# The server's programs are wanted, not its service: a cluster that would come with it is not made.
postgres:
	@if ! command -v postgres >/dev/null && ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then \
	  echo "Installing postgresql, for the tests of the store (needs root)"; \
	  $(SUDO) apt-get -o Acquire::Retries=3 update -qq && \
	  { [ -e /etc/postgresql-common/createcluster.conf ] || { $(SUDO) mkdir -p /etc/postgresql-common && \
	    echo "create_main_cluster = false" | $(SUDO) tee /etc/postgresql-common/createcluster.conf >/dev/null; }; } && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Options::=--force-confold \
	    --no-install-recommends postgresql >/dev/null; \
	fi

test-postgres: setup postgres  ## all tests of the store, on a PostgreSQL server of their own
	$(BIN)/python -m pytest --postgres tests/unit -n 2 --dist loadfile

# The types of MicroPython's modules stand in for those of Python's own library, so they live apart.
build/typings/.ready: requirements/stubs.txt $(VENV)/.ready
	@rm -rf build/typings
	@$(BIN)/python $(PIP) install -q --require-hashes --only-binary :all: --target build/typings -r requirements/stubs.txt
	@touch $@

lint: setup build/typings/.ready $(HIL)/.ready  ## format, lint, types, import rules
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/basedpyright
	$(BIN)/basedpyright -p firmware/pyrightconfig.json
	$(BIN)/basedpyright -p hardware/bench/labgrid/pyrightconfig.json
	$(BIN)/lint-imports

# labgrid brings a fork of pyserial under the same name, so the bench has an environment of its own.
$(HIL)/.ready: requirements/hil.txt pyproject.toml $(VENV)/.ready
	@[ -x $(HIL)/bin/python ] || $(PYTHON) -m venv $(HIL)
	@echo "Installing the bench's locked packages"
	@$(HIL)/bin/python $(PIP) install -q --require-hashes --only-binary :all: -r requirements/hil.txt
	@$(HIL)/bin/python $(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

hil: setup $(HIL)/.ready  ## the hardware tests on the virtual bench, or on yours; report in runs/hil
	@mkdir -p runs/hil; rm -f runs/hil/junit.xml
	@$(HIL)/bin/python -m pytest tests/hil --lg-env "$(ENV)" -o junit_family=xunit1 \
	  --junitxml runs/hil/junit.xml $(HIL_OPTIONS); status=$$?; \
	  $(HIL)/bin/python -m hardware.bench.report && exit $$status

firmware: setup  ## the sensor board's firmware, compiled and signed, into build/firmware
	$(BIN)/python -m firmware.build $(if $(KEY),--key "$(KEY)") $(if $(OUT),--out "$(OUT)") $(if $(FOLDER),--folder)

deb: setup  ## Debian packages of kiosk and centre, into build/deb; ARCH=arm64 for a Pi
	@$(BIN)/python -m deploy.debian $(if $(ARCH),--arch "$(ARCH)") --python "$(PYTHON_DEB)" \
	  $(if $(PACKAGE),--package "$(PACKAGE)")

test-deb: setup  ## the packages in a Debian of their own: install, run, update, remove (root, minutes)
	@$(BIN)/python -m deploy.debian.rehearsal --python "$(PYTHON_DEB)"

# Mounts, chroot and binfmt_misc need root; `python -m deploy.arm64 --help` says what is done with it.
test-arm64: setup  ## the kiosk's package in an emulated arm64 Debian, up to a booking's answer (root, minutes)
	@if ! command -v debootstrap >/dev/null && ! [ -x /usr/sbin/debootstrap ] || \
	  ! command -v qemu-aarch64-static >/dev/null && [ "$$(uname -m)" != aarch64 ]; then \
	  echo "Installing debootstrap and qemu-user-static (needs root)"; \
	  $(SUDO) apt-get -o Acquire::Retries=3 update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	    debootstrap qemu-user-static >/dev/null; \
	fi
	@$(SUDO) env PYTHONDONTWRITEBYTECODE=1 $(BIN)/python -m deploy.arm64 $(if $(DEB),--deb "$(DEB)")

bench-accuracy: setup  ## error rates on DIR=..., beside the peers
	@[ -n "$(DIR)" ] || { echo "Name the images: make bench-accuracy DIR=path/to/fvc2002"; exit 1; }
	$(BIN)/python -m benchmarks.accuracy_table "$(DIR)"

model: setup  ## teach the network from DATA=..., choose on DEV=...
	@[ -n "$(DATA)" ] || { echo "Name the images: make model DATA=path/to/train [DEV=path/to/fvc2002]"; exit 1; }
	@[ -x .venv-train/bin/python ] || $(PYTHON) -m venv .venv-train
	.venv-train/bin/python $(PIP) install -q -r requirements/train.txt
	$(BIN)/python -m models.training.with_teacher "$(DATA)" runs/teacher
	.venv-train/bin/python -m models.training --data "$(DATA)" --teacher runs/teacher --run runs/model \
	  --steps $(STEPS) --seed $(SEED) $(if $(DEV),--dev "$(DEV)")

lock: setup  ## resolve and pin the dependencies anew
	$(BIN)/python $(PIP) install -q uv
	$(UV_COMPILE) pyproject.toml --extra edge --extra matcher --extra postgres --extra dev \
	  -o requirements/lock.txt
	$(UV_COMPILE) pyproject.toml requirements/hil.in --extra edge -c requirements/lock.txt --no-emit-package pyserial \
	  -o requirements/hil.txt
	$(UV_COMPILE) requirements/stubs.in -o requirements/stubs.txt
	$(UV_COMPILE) requirements/peers.in -o requirements/peers.txt
	$(UV_COMPILE) requirements/sensor-clients.in -o requirements/sensor-clients.txt

clean:  ## remove what setup, tests and demo have made here
	rm -rf .venv .venv-* .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
