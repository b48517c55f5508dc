# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Pipelines: an image in, a result out, through one engine."""

from espnet_perception.engines.listener import BuildListener
from espnet_perception.pipeline.classifier import Classifier, create_classifier
from espnet_perception.pipeline.segmenter import create_segmenter, Segmenter

__all__ = ['BuildListener', 'Classifier', 'create_classifier', 'create_segmenter', 'Segmenter']
