#!/bin/bash
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# Run a command with ROS 2 and this package sourced, as process 1 so that signals reach it.
set -e
source "$ROS_PREFIX/setup.bash"
source /opt/espnet_perception/install/local_setup.bash
exec "$@"
