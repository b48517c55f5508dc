# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# Jetson TX2, Nano and Xavier with JetPack 4.6 (L4T 32.7): Ubuntu 18.04, Python 3.6, ROS 2 Humble
# built from source. CUDA and TensorRT come from the host when the container runs with NVIDIA's
# runtime. Build it on the board, in the root of the repository:
#   docker build -f docker/jetson.Dockerfile -t espnet_perception:jetson .
ARG BASE=dustynv/ros:humble-pytorch-l4t-r32.7.1
FROM ${BASE}

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# NumPy 1.19 ends with "Illegal instruction" on these processors without the second.
ENV ROS_PREFIX=/opt/ros/humble/install \
    OPENBLAS_CORETYPE=ARMV8

# NumPy, OpenCV and PyTorch are those of the image; apt of this image has no ROS 2 packages.
RUN python3 -m pip install --no-cache-dir pillow==8.4.0 PyYAML==6.0.1

WORKDIR /opt/espnet_perception
COPY . src/espnet_perception/
RUN . "${ROS_PREFIX}/setup.bash" \
    && colcon build --base-paths src/espnet_perception src/espnet_perception/espnet_msgs \
    && rm -rf build log

COPY docker/entrypoint.sh /usr/local/bin/perception_entrypoint.sh
ENTRYPOINT ["/usr/local/bin/perception_entrypoint.sh"]
CMD ["ros2", "launch", "espnet_perception", "segmentation.launch.py", "image:=/camera/image_raw"]
