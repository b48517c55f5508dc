# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
ESPNetv2 for classification: ESPNetv2 (CVPR 2019), Table 2, with the ablations of section 5.

Released weights: github.com/sacmehta/EdgeNets and ESPNetv2 (MIT), read by ``upstream.py``. The
same network serves one label per image (softmax over its scores) and several (a sigmoid each,
section 4.1 "Generalizability"); the model card says which.
"""

from espnet_perception.errors import NetworkError
from espnet_perception.networks.eesp import BRANCHES, Design, StridedEESP
from espnet_perception.networks.espnetv2 import eesp_stack, Encoder, initialise, STRIDED_LIMITS
from espnet_perception.networks.layers import ConvBNAct, global_average
from torch import nn, Tensor

DROPOUT = 0.2


class ESPNetv2(nn.Module):
    """
    ESPNetv2 for classification (Table 2).

    :param classes: number of scores, at least 1.
    :param width: width factor s: 0.5, 1.0, 1.25, 1.5, 1.75 or 2.0, the columns of Table 2.
    :param fusion: hierarchical feature fusion; False is row R1 of Table 4.
    :param shortcut: long-range shortcut from the input image; False is rows R1 and R2 of Table 4.
    :param grouped_reduction: reduce with group point-wise convolutions; False is the right half
        of Table 5 (only the reduction becomes dense, which gives that table's sizes).
    :raises NetworkError: unknown width or no class.
    """

    def __init__(self, classes: int = 1000, width: float = 2.0, fusion: bool = True,
                 shortcut: bool = True, grouped_reduction: bool = True) -> None:
        super().__init__()
        if classes < 1:
            raise NetworkError('a classification network got {} classes, expected at least 1'
                               .format(classes))
        self.classes = classes
        design = Design(fusion, shortcut, grouped_reduction)
        self.encoder = Encoder(width, design)
        widths = self.encoder.widths
        # The released networks own a shortcut at level 5 and do not use it; the paper counts it.
        self.level5_down = StridedEESP(widths.level4, widths.level5, STRIDED_LIMITS[5], design)
        self.level5 = eesp_stack(5, widths.level5, design)
        self.mix = ConvBNAct(widths.level5, widths.level5, 3, groups=widths.level5)
        self.head = ConvBNAct(widths.level5, widths.head, 1, groups=BRANCHES)
        self.dropout = nn.Dropout(DROPOUT)
        self.classifier = nn.Linear(widths.head, classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """
        Return the class scores of images.

        :param images: (N, 3, H, W) float32, normalised, of any size.
        :return: (N, classes) logits.
        """
        level4 = self.encoder(images)[3]  # 1/16
        level5 = self.level5(self.level5_down(level4))  # 1/32
        head = self.head(self.mix(level5))
        return self.classifier(self.dropout(global_average(head).flatten(1)))


VARIANTS = {  # width factor: parameters with 1000 classes, which the paper prints in millions
    0.5: 1241332, 1.0: 1670072, 1.25: 1965440, 1.5: 2314856, 1.75: 3032432, 2.0: 3498136,
}
