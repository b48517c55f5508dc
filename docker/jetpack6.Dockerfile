# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# Jetson Orin with JetPack 6 (L4T 36): Ubuntu 22.04, Python 3.10, CUDA 12 and TensorRT of the image,
# ROS 2 Humble from packages. Build it on the board, in the root of the repository:
#   docker build -f docker/jetpack6.Dockerfile -t espnet_perception:jetpack6 .
ARG BASE=nvcr.io/nvidia/l4t-jetpack:r36.4.0
FROM ${BASE}

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV ROS_PREFIX=/opt/ros/humble

ADD https://raw.githubusercontent.com/ros/rosdistro/master/ros.key \
    /usr/share/keyrings/ros-archive-keyring.gpg
RUN chmod 644 /usr/share/keyrings/ros-archive-keyring.gpg \
    && echo "deb [signed-by=/usr/share/keyrings/ros-archive-keyring.gpg]" \
      "http://packages.ros.org/ros2/ubuntu jammy main" > /etc/apt/sources.list.d/ros2.list \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      build-essential \
      cmake \
      python3-colcon-common-extensions \
      python3-numpy \
      python3-opencv \
      python3-pil \
      python3-yaml \
      ros-humble-cv-bridge \
      ros-humble-ros-base \
      ros-humble-vision-msgs \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/espnet_perception
COPY . src/espnet_perception/
RUN . "${ROS_PREFIX}/setup.bash" \
    && colcon build --base-paths src/espnet_perception src/espnet_perception/espnet_msgs \
    && rm -rf build log

COPY docker/entrypoint.sh /usr/local/bin/perception_entrypoint.sh
ENTRYPOINT ["/usr/local/bin/perception_entrypoint.sh"]
CMD ["ros2", "launch", "espnet_perception", "segmentation.launch.py", "image:=/camera/image_raw"]
