#!/bin/bash
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# Run the tests under the Pythons of the robots: tools/test_matrix.sh [--quick] [LEG...], all by
# default. --quick leaves out the tests that export many graphs, for machines that run this often.
#   3.6    JetPack 4 (Jetson TX2): the tests of the robot's code, and its label maps
#   3.8    JetPack 5: the same
#   3.10   JetPack 6: every test, with ROS 2 from wheels
#   3.12   Ubuntu 24.04: the tests of the robot's code, with ROS 2 from wheels
# 3.6 and 3.8 have the versions of requirements/matrix/LEG.txt, the others those of `make setup`.
# Environments stay in .venv-pyLEG and are made again when these lists change. A Python that is
# not on this machine (PATH, pyenv) is skipped with a sentence. The first leg that fails ends the
# run with exit status 1.
set -e -o pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export ESPNET_COMMAND_MODEL=$scratch/commands
shared=${ESPNET_SHARED:-$PWD/../shared}

find_python() {  # LEG: print its interpreter
  local candidate
  for candidate in "$(command -v "python$1" || true)" \
      $(ls -rvd "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python 2> /dev/null); do
    if "$candidate" -c 'import ensurepip, sys, venv
sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' "$1" 2> /dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

make_environment() {  # FOLDER INTERPRETER LIST
  local key stamp=$1/.requirements.sha256
  key=$({ "$2" --version 2>&1; cat "$3"; } | sha256sum)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; then
    return
  fi
  echo "environment ${1##*/}, pinned by $3 (1 to 3 GB)"
  "$2" -m venv --clear "$1"
  # The pip of Python 3.6 is too old to know the wheels. It would obey our setup.cfg, so go away.
  if ! (cd "$1" && bin/python -m pip install --disable-pip-version-check pip==21.3.1 \
      && bin/python -m pip install -r "$OLDPWD/$3") > "$1/pip.log" 2>&1; then
    tail -n 15 "$1/pip.log" >&2
    echo "pip could not install $3; the whole log is in $1/pip.log" >&2
    return 1
  fi
  echo "$key" > "$stamp"
}

test_robot() {  # COMMAND...: the interpreter
  local side='import sys; sys.path.insert(0, "test/structure"); from robot_side import *; print(*'
  local left_out= failed=0 other
  if [ "$quick" = yes ]; then
    left_out=--ignore=$("$@" -c "${side}slow_tests(), sep=' --ignore=')")
  fi
  # The nodes need ROS 2: where it is not, that they compile is what can be said.
  "$@" -m compileall -q -f $("$@" -c "${side}code())") launch setup.py
  # Tests keep to one thread, so two cores run two halves. Where both are busy, a test that is
  # interrupted in native code takes the process with it, so none is for being slow.
  local options='-p no:cacheprovider -o timeout=600'
  "$@" -m pytest $options $("$@" -c "${side}tests(graphs=True))") $left_out \
    $PYTEST_ARGS > "$scratch/graphs.log" 2>&1 &
  other=$!
  trap 'kill "$other" 2> /dev/null || true' EXIT  # an interrupt does not reach it by itself
  "$@" -m pytest $options $("$@" -c "${side}tests(graphs=False))") $PYTEST_ARGS || failed=1
  wait "$other" || failed=1
  cat "$scratch/graphs.log"
  return $failed
}

# A command model is trained with Python 3.10 and newer, and read with any.
bring_command_model() {
  if [ ! -d "$ESPNET_COMMAND_MODEL" ]; then
    tools/run.sh python3 -m pytest -q -p no:cacheprovider -k a_command test/pipeline/test_commander.py
  fi
}

compare_labels() {  # COMMAND...: the interpreter
  if [ ! -d "$shared/data/frames" ] && [ "$ESPNET_REQUIRE_SHARED" != 1 ]; then
    echo "label maps: skipped, reference data not found at $shared; set ESPNET_SHARED to its folder"
    return
  fi
  if [ ! -f "$scratch/here.npz" ]; then
    tools/run.sh python3 -m tools.label_maps write "$shared" "$scratch/here.npz"
  fi
  "$@" -m tools.label_maps write "$shared" "$scratch/leg.npz"
  "$@" -m tools.label_maps compare "$scratch/here.npz" "$scratch/leg.npz"
}

run_pinned() {  # LEG INTERPRETER
  local folder=$PWD/.venv-py${1/./}
  # ROS 2 that the caller has sourced is for another Python.
  local leg_python=(env -u AMENT_PREFIX_PATH -u PYTHONPATH "$folder/bin/python")
  make_environment "$folder" "$2" "requirements/matrix/$1.txt"
  bring_command_model
  test_robot "${leg_python[@]}"
  compare_labels "${leg_python[@]}"
}

run_with_ros() {  # LEG INTERPRETER
  export MATRIX_LEG=$1
  unset AMENT_PREFIX_PATH ROS_DISTRO PYTHONPATH DISTRO  # the leg has ROS 2 of its own
  PYTHON=$2 tools/setup.sh
  if [ "$1" = 3.10 ]; then
    tools/run.sh python3 -m pytest -p no:cacheprovider $PYTEST_ARGS
  else
    test_robot tools/run.sh python3
  fi
}

run_leg() {  # LEG
  local python run=run_with_ros begin=$SECONDS
  case $1 in
    3.6 | 3.8) run=run_pinned ;;
    3.10 | 3.12) ;;
    *)
      echo "unknown leg '$1'; valid are 3.6 3.8 3.10 3.12" >&2
      exit 2
      ;;
  esac
  if ! python=$(find_python "$1"); then
    echo "leg $1: skipped, there is no Python $1 with venv in PATH or pyenv (pyenv install $1)"
    return
  fi
  echo "leg $1: $python"
  ($run "$1" "$python")
  echo "leg $1: passed in $((SECONDS - begin)) s"
}

quick=no
if [ "$1" = --quick ]; then
  quick=yes
  shift
fi
[ $# -gt 0 ] || set -- 3.6 3.8 3.10 3.12
for leg in "$@"; do
  run_leg "$leg"
done
