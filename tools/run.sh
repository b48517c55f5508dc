#!/bin/bash
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# Run a command with ROS 2 and this workspace sourced: tools/run.sh ros2 topic list
set -e -o pipefail
cd "$(dirname "$0")/.."
source tools/workspace.sh
if [ ! -f "$INSTALL/local_setup.bash" ]; then
  echo "${INSTALL##*/}/ has not been built: run make setup first" >&2
  exit 1
fi
enter_workspace
# Trials on one machine stay on that machine; on Humble the second variable is the one that counts.
export ROS_AUTOMATIC_DISCOVERY_RANGE=${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}
if [ "$DISTRO" = humble ]; then
  export ROS_LOCALHOST_ONLY=${ROS_LOCALHOST_ONLY:-1}
fi
exec "$@"
