# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# A PC with ROS 2 Jazzy (Ubuntu 24.04, Python 3.12), with OpenVINO, ONNX Runtime and PyTorch. Build it
# in the root of the repository; the second line is for a PC with an NVIDIA GPU, several GB more:
#   docker build -f docker/desktop.Dockerfile -t espnet_perception:desktop .
#   docker build -f docker/desktop.Dockerfile -t espnet_perception:cuda --build-arg COMPUTE=cuda .
ARG BASE=ros:jazzy-ros-base-noble
FROM ${BASE}

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV ROS_PREFIX=/opt/ros/jazzy \
    PATH=/opt/venv/bin:${PATH}

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      build-essential \
      cmake \
      python3-colcon-common-extensions \
      python3-opencv \
      python3-venv \
      ros-jazzy-cv-bridge \
      ros-jazzy-vision-msgs \
    && rm -rf /var/lib/apt/lists/*

# cpu: PyTorch from its own index, which has a build of 200 MB; cuda: the one of the package index.
ARG COMPUTE=cpu
COPY requirements/ /tmp/requirements/
RUN case "${COMPUTE}" in \
      cpu) index=https://download.pytorch.org/whl/cpu ;; \
      cuda) index=https://pypi.org/simple ;; \
      *) echo "COMPUTE=${COMPUTE}: expected cpu or cuda" >&2; exit 1 ;; \
    esac \
    && python3 -m venv --system-site-packages /opt/venv \
    && python3 -m pip install --no-cache-dir --extra-index-url "${index}" \
      -r /tmp/requirements/ros-system.txt \
      -r /tmp/requirements/runtime.txt \
      -r /tmp/requirements/tools.txt \
    && rm -rf /tmp/requirements

WORKDIR /opt/espnet_perception
COPY . src/espnet_perception/
RUN . "${ROS_PREFIX}/setup.bash" \
    && colcon build --base-paths src/espnet_perception src/espnet_perception/espnet_msgs \
    && rm -rf build log

COPY docker/entrypoint.sh /usr/local/bin/perception_entrypoint.sh
ENTRYPOINT ["/usr/local/bin/perception_entrypoint.sh"]
CMD ["ros2", "launch", "espnet_perception", "segmentation.launch.py", "image:=/camera/image_raw"]
