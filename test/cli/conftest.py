# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A tiny synthetic drive and a tiny Cityscapes model, made once for all tests of the command."""

import os

import pytest

os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')

FRAMES, WIDTH, HEIGHT = 8, 128, 64


@pytest.fixture(scope='session')
def drive(tmp_path_factory):
    """Bag of 8 frames at 10 Hz with ground truth on /camera/labels."""
    from espnet_perception.synthetic import SyntheticDrive
    from espnet_perception.synthetic.bag import write_bag
    path = tmp_path_factory.mktemp('bags') / 'drive'
    return write_bag(str(path), SyntheticDrive(3, WIDTH, HEIGHT, FRAMES, 10.0))


@pytest.fixture(scope='session')
def city_model(tmp_path_factory):
    """Model directory of a small untrained network with the 19 Cityscapes classes."""
    from espnet_perception import model_card
    from espnet_perception.label_sets import CITYSCAPES
    from espnet_perception.networks import create_network
    import torch
    directory = tmp_path_factory.mktemp('models') / 'city'
    directory.mkdir()
    torch.manual_seed(5)
    network = create_network('espnetv2_seg', classes=19, width=0.5)
    torch.save(network.state_dict(), directory / 'weights.pth')
    model_card.save(model_card.ModelCard(
        name='city', task='segmentation', network='espnetv2_seg',
        arguments={'classes': 19, 'width': 0.5}, classes=CITYSCAPES.classes,
        palette=CITYSCAPES.palette, input_width=WIDTH, input_height=HEIGHT,
        weights='weights.pth',
        sha256=model_card.file_sha256(str(directory / 'weights.pth'))), str(directory))
    return str(directory)


@pytest.fixture(scope='session')
def ros():
    """Skip where ROS or our messages are absent."""
    pytest.importorskip('rclpy', reason='needs ROS 2: run `make setup` or source ROS 2')
    pytest.importorskip('espnet_msgs.msg', reason='needs a sourced workspace with espnet_msgs')
