# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Score a classification network on a data set, with the preprocessing of its model card."""

from typing import Any, List, NamedTuple, Tuple, Union

from espnet_perception.errors import DatasetError
from espnet_perception.evaluation.classification_metrics import F1, TopK
from espnet_perception.pipeline.preprocess import fitter
from espnet_perception.training.datasets.labelled import LabelledDataset
from espnet_perception.training.scoring import normalised
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

BATCH_SIZE = 64


class Fit(NamedTuple):
    """
    How an image becomes the input of a network, in checks and on the robot.

    :param width: of the input in pixels
    :param height: of the input in pixels
    :param crop_ratio: see ModelCard
    """

    width: int
    height: int
    crop_ratio: float


class _Fitted(Dataset):
    """Images of the network's size by position, or why there is none; for worker processes."""

    def __init__(self, dataset: LabelledDataset, fit: Fit) -> None:
        self.dataset, self.fit = dataset, fit

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Union[Tuple[np.ndarray, Any], str]:
        try:
            image_bgr, target = self.dataset.read(index)
        except DatasetError as error:
            return str(error)
        to_size = fitter('pil_bilinear', self.fit.crop_ratio)
        return to_size(image_bgr, (self.fit.height, self.fit.width)), target


@torch.inference_mode()
def count_labels(network: nn.Module, dataset: LabelledDataset, fit: Fit, workers: int = 0,
                 quiet: bool = True) -> Union[TopK, F1]:
    """
    Count hits and misses over a whole data set; files that cannot be read are left out.

    :param network: in evaluation mode
    :param dataset: images with one class each, or with any number of them
    :param fit: how an image becomes the network's input
    :param workers: processes that load images; 0 loads in this one
    :param quiet: no progress bar
    :returns: TopK, or F1 where images may have any number of classes
    """
    device = next(network.parameters()).device
    counts = (F1 if dataset.multi_label else TopK)(len(dataset.label_set.classes))
    loader = DataLoader(_Fitted(dataset, fit), BATCH_SIZE, num_workers=workers, collate_fn=list,
                        multiprocessing_context='spawn' if workers else None,
                        generator=torch.Generator())  # not that of the run, which goes on
    for rows in tqdm(loader, desc='checking', unit='batch', disable=quiet, leave=False):
        rows = _readable(rows)
        if not rows:
            continue
        images = torch.from_numpy(np.stack([image for image, _ in rows])).to(device)
        logits = network(normalised(images)).float()
        scores = logits.sigmoid() if dataset.multi_label else logits
        counts.add(scores.cpu().numpy(), np.stack([target for _, target in rows]))
    return counts


def _readable(rows: List[Any]) -> List[Tuple[np.ndarray, Any]]:
    for row in rows:
        if isinstance(row, str):
            tqdm.write('left out: {}'.format(row))
    return [row for row in rows if not isinstance(row, str)]
