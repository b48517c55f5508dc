# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# What stands around the nodes: a driver of USB cameras and the bridge to Foxglove, with the messages
# of this package, so that Foxglove can show them. For every machine, since neither needs a GPU:
#   docker build -f docker/devices.Dockerfile --build-arg ROS_DISTRO=humble -t espnet_perception:devices .
ARG ROS_DISTRO=jazzy
FROM ros:${ROS_DISTRO}-ros-base

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ARG ROS_DISTRO
ENV ROS_PREFIX=/opt/ros/${ROS_DISTRO} \
    FASTRTPS_DEFAULT_PROFILES_FILE=/opt/espnet_perception/fastdds_profile.xml

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      build-essential \
      cmake \
      python3-colcon-common-extensions \
      "ros-${ROS_DISTRO}-foxglove-bridge" \
      "ros-${ROS_DISTRO}-v4l2-camera" \
      "ros-${ROS_DISTRO}-vision-msgs" \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/espnet_perception
COPY espnet_msgs/ src/espnet_msgs/
RUN . "${ROS_PREFIX}/setup.bash" \
    && colcon build --base-paths src \
    && rm -rf build log

COPY config/fastdds_profile.xml fastdds_profile.xml
COPY docker/entrypoint.sh /usr/local/bin/perception_entrypoint.sh
ENTRYPOINT ["/usr/local/bin/perception_entrypoint.sh"]
CMD ["ros2", "launch", "foxglove_bridge", "foxglove_bridge_launch.xml"]
