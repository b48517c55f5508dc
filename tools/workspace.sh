# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by the other scripts in the repository root. Decides where ROS 2 comes from and sets
#   ORIGIN   'system' (a sourced ROS 2 installation) or 'wheels' (ROS 2 from the package index)
#   DISTRO   the ROS distribution; for wheels jazzy (default) or kilted
#   VENV BUILD INSTALL LOG   the folders of that combination
# MATRIX_LEG names a Python of tools/test_matrix.sh, which has folders of its own.

# Print the first sourced prefix that has rclpy and is no virtual environment.
sourced_ros() {
  local prefix
  local IFS=:
  for prefix in $AMENT_PREFIX_PATH; do
    if [ -f "$prefix/share/rclpy/package.xml" ] && [ ! -f "$prefix/pyvenv.cfg" ]; then
      echo "$prefix"
      return 0
    fi
  done
  return 1
}

if sourced_ros > /dev/null && [ -n "$ROS_DISTRO" ]; then
  ORIGIN=system
  DISTRO=$ROS_DISTRO
  suffix=-system-$DISTRO
else
  ORIGIN=wheels
  DISTRO=${DISTRO:-jazzy}
  case $DISTRO in
    jazzy) suffix= ;;
    kilted) suffix=-kilted ;;
    *)
      echo "DISTRO=$DISTRO: there are wheels for jazzy and kilted; for another one source its" \
        "installation first (source /opt/ros/$DISTRO/setup.bash)" >&2
      exit 1
      ;;
  esac
fi
if [ -n "$MATRIX_LEG" ]; then
  suffix=$suffix-py${MATRIX_LEG/./}
fi
VENV=$PWD/.venv$suffix
BUILD=$PWD/build$suffix
INSTALL=$PWD/install$suffix
LOG=$PWD/log$suffix
unset suffix
export ORIGIN DISTRO VENV BUILD INSTALL LOG

# Source ROS 2 (and, where it has been built, this workspace) into the running script.
enter_workspace() {
  if [ "$ORIGIN" = system ]; then
    PATH=$VENV/bin:$PATH
  else
    case ":$AMENT_PREFIX_PATH:" in
      *":$VENV:"*) ;;
      *) # the caller's shell may have sourced another environment of wheels: start afresh
        unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH PYTHONPATH \
          LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
        ;;
    esac
    source "$VENV/setup.bash"
  fi
  if [ -f "$INSTALL/local_setup.bash" ]; then
    source "$INSTALL/local_setup.bash"
  fi
}
