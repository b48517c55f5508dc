# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the authors of the papers released: where it is, how it names its tensors, what it was fed.

``networks/upstream.py`` reads the files with these tables, ``weights`` fetches them. The
accuracies are those that the authors report; they are not measured here.
"""

import hashlib
import os
from typing import NamedTuple, Optional, Tuple

from espnet_perception.errors import ModelError
from espnet_perception.model_card import IMAGENET_MEAN, IMAGENET_STD

Renames = Tuple[Tuple[str, str], ...]

RELEASE_HOST = 'https://raw.githubusercontent.com'


class Preprocessing(NamedTuple):
    """How pixels become the network's input; the fields are those of the model card."""

    channel_order: str
    mean: Tuple[float, float, float]
    std: Tuple[float, float, float]
    resize: str
    crop_ratio: float = 0.0


class Family(NamedTuple):
    """
    Files of one network.

    :param task: task of the model card.
    :param repository: where they were published, on github.com.
    :param commit: a commit that holds them.
    :param folder: folder in that commit.
    :param licence: licence of the weights.
    :param markers: tensors whose names no other network has together.
    :param renames: pattern of a released name and its replacement, applied in this order.
    :param preprocessing: how the input was made.
    """

    task: str
    repository: str
    commit: str
    folder: str
    licence: str
    markers: Tuple[str, ...]
    renames: Renames
    preprocessing: Preprocessing


class Release(NamedTuple):
    """
    Facts of one file that its tensors do not tell.

    :param network: a key of FAMILIES.
    :param file_name: file name below the family's folder.
    :param dataset: what it was trained on.
    :param width: width in pixels at which it was trained.
    :param height: height, likewise.
    :param size_bytes: size of the file; None where it is not known here.
    :param reported_miou: mean intersection over union in percent, where the authors report one.
    :param split: part of the data set on which they report it.
    :param reported_top1: accuracy of the first guess in percent, likewise.
    :param reported_top5: share of images whose class is among the first five guesses, likewise.
    """

    network: str
    file_name: str
    dataset: str
    width: int
    height: int
    size_bytes: Optional[int]
    reported_miou: Optional[float] = None
    split: str = ''
    reported_top1: Optional[float] = None
    reported_top5: Optional[float] = None

    @property
    def name(self) -> str:
        """Name that no other release has: ESPNet-C and ESPNet share their file names."""
        stem = os.path.splitext(self.file_name)[0]
        return stem.replace('espnet', 'espnet_c', 1) if self.network == 'espnet_c' else stem

    @property
    def classes(self) -> int:
        """Return the number of classes, with those that stand for no class."""
        return next(count for (network, count), row in DATASETS.items()
                    if (network, row[0]) == (self.network, self.dataset))

    @property
    def reported(self) -> Tuple[Tuple[str, float], ...]:
        """Return what the authors report: name of the figure and its value in percent."""
        figures = (('mIoU', self.reported_miou), ('top-1', self.reported_top1),
                   ('top-5', self.reported_top5))
        return tuple(figure for figure in figures if figure[1] is not None)

    @property
    def url(self) -> str:
        """Address of the file as released."""
        family = FAMILIES[self.network]
        return '/'.join((RELEASE_HOST, family.repository, family.commit, family.folder,
                         self.file_name))


IMAGENET_PREPROCESSING = Preprocessing('rgb', IMAGENET_MEAN, IMAGENET_STD, 'pil_bilinear')
# The authors evaluate on ImageNet with Resize(int(size / 0.875)) and CenterCrop(size).
IMAGENET_EVALUATION = IMAGENET_PREPROCESSING._replace(crop_ratio=0.875)

# The first networks take (pixel - mean) / std of Cityscapes in 0..255 units, divided by 255 once
# more; the card has no second division, so it is part of the standard deviation.
_CITYSCAPES_STD = (45.3192215, 46.15289307, 44.91483307)
CITYSCAPES_PREPROCESSING = Preprocessing(
    'bgr', (72.3923111, 82.90893555, 73.15840149),
    tuple(255.0 * part for part in _CITYSCAPES_STD), 'cv2_linear_float')

# The authors publish neither the normalisation of CamVid nor its class order. Measured: with the
# statistics of the 367 training images (480x360; mean and deviation of each image, averaged, as
# their loader does) and the common order of 11 classes, the released network reaches 57.2 % mIoU
# on the 233 test images (55.6 reported); with the Cityscapes statistics 16.6 %.
_CAMVID_STD = (72.06398503, 72.65216472, 69.85317193)
CAMVID_PREPROCESSING = Preprocessing(
    'bgr', (110.25682941, 108.36229848, 104.99073696),
    tuple(255.0 * part for part in _CAMVID_STD), 'cv2_linear_float')

_EESP_NAMES = (
    (r'\.proj_1x1\.', '.reduce.'),
    (r'\.spp_dw\.(\d)\.conv\.', r'.branches.\1.'),
    (r'\.conv_1x1_exp\.', '.expand.'),
    (r'\.br_after_cat\.', '.fused.'),
    (r'\.module_act\.', '.act.'),
    (r'\.inp_reinf\.', '.reinforce.'),
    (r'level(\d)_0\.', r'level\1_down.'),
)

_CLASSIFICATION_NAMES = _EESP_NAMES + (
    (r'^level([1-4])', r'encoder.level\1'),
    (r'^level5\.3\.', 'mix.'),
    (r'^level5\.4\.', 'head.'),
)

_EDGENETS_NAMES = ((r'^base_net\.', 'encoder.'),) + _EESP_NAMES + (
    (r'\.(?:cbr|br)\.(\d)\.', r'.\1.'),
    (r'^bu_dec_l(\d)\.stages\.', r'pyramid\1.scales.'),
    (r'^bu_dec_l(\d)\.projection_layer\.', r'pyramid\1.project.'),
    (r'^bu_dec_l(\d)\.merge_layer\.0\.', r'pyramid\1.normalise.'),
    (r'^bu_dec_l(\d)\.merge_layer\.2\.', r'pyramid\1.merge.'),
    (r'^bu_dec_l(\d)\.merge_layer\.3\.', r'pyramid\1.expand.'),
    (r'^bu_dec_l(\d)\.br\.', r'pyramid\1.finish.'),
    (r'^merge_enc_dec_l(\d)\.wt_layer\.1\.', r'gate\1.weight.'),
    (r'^merge_enc_dec_l(\d)\.expansion_layer\.', r'gate\1.value.'),
    (r'^bu_br_l(\d)\.', r'join\1.'),
    (r'(project|merge|value)\.0\.', r'\1.conv.'),
    (r'(project|merge|value)\.1\.', r'\1.bn.'),
    (r'(project|merge|value)\.2\.', r'\1.act.'),
    (r'(normalise|finish|join\d)\.0\.', r'\1.bn.'),
    (r'(normalise|finish|join\d)\.1\.', r'\1.act.'),
)

_PAPER_NAMES = ((r'^net\.', 'encoder.'),) + _EESP_NAMES + (
    (r'^proj_L4_C\.', 'decoder.project4.'),
    (r'^pspMod\.0\.', 'decoder.merge.'),
    (r'^pspMod\.1\.stages\.(\d)\.conv\.', r'decoder.pyramid.scales.\1.'),
    (r'^pspMod\.1\.', 'decoder.pyramid.'),
    (r'^project_l([13])\.1\.conv\.', r'decoder.classify\1.'),
    (r'^act_l3\.', 'decoder.act3.'),
    (r'^project_l2\.', 'decoder.project2.'),
)

_ESPNET_C_NAMES = (
    (r'level(\d)_0\.', r'level\1_down.'),
    (r'\bb(\d)\.', r'join\1.'),
    (r'\.c1\.conv\.', '.reduce.'),
    (r'\.d1\.conv\.', '.branches.0.'),
    (r'\.d2\.conv\.', '.branches.1.'),
    (r'\.d4\.conv\.', '.branches.2.'),
    (r'\.d8\.conv\.', '.branches.3.'),
    (r'\.d16\.conv\.', '.branches.4.'),
    (r'(level\d_down)\.(bn|act)\.', r'\1.fused.\2.'),
    (r'(level\d\.\d+|combine_l2_l3\.1)\.bn\.(bn|act)\.', r'\1.fused.\2.'),
    (r'classifier\.conv\.', 'classifier.'),
)

_ESPNET_NAMES = _ESPNET_C_NAMES + (
    (r'^level3_C\.conv\.', 'project2.'),
    (r'^br\.', 'normalise3.'),
    (r'^conv\.', 'merge1.'),
    (r'^up_l(\d)\.0\.', r'enlarge\1.'),
    (r'^up_l2\.1\.', 'act2.'),
    (r'^combine_l2_l3\.0\.', 'join2.'),
    (r'^combine_l2_l3\.1\.', 'merge2.'),
)

_EDGENETS = ('sacmehta/EdgeNets', '2b232d3f7fb60658755dad1ebca0ffc895cc795e')
_EDGENETS_LICENCE = ('MIT (since 2021-07-20; the repository carried a non-commercial licence when '
                     'the weights were published in 2019)')
_ESPNETV2_COMMIT = '8ec3e8779a2dee327310206a2a20df7e1a7a02b5'
_ESPNETV2_LICENCE = ('MIT (the authors took the weights out of the repository in 2019 as '
                     'obsolete; its history keeps them)')
_ESPNET = ('sacmehta/ESPNet', 'afe71c38edaee3514ca44e0adcafdf36109bf437')
_ESPNET_LICENCE = 'MIT (the repository was GPL-3 until 2018-08-09)'

FAMILIES = {
    'espnetv2_seg': Family(
        'segmentation', *_EDGENETS, 'model/segmentation/model_zoo/espnetv2', _EDGENETS_LICENCE,
        ('base_net.level1.conv.weight', 'bu_dec_l4.merge_layer.3.bias'), _EDGENETS_NAMES,
        IMAGENET_PREPROCESSING),
    'espnetv2_seg_paper': Family(
        'segmentation', 'sacmehta/ESPNetv2', _ESPNETV2_COMMIT, 'segmentation/pretrained_models',
        _ESPNETV2_LICENCE, ('net.level1.conv.weight', 'project_l1.1.conv.weight'), _PAPER_NAMES,
        CITYSCAPES_PREPROCESSING),
    'espnet': Family(
        'segmentation', *_ESPNET, 'pretrained/decoder', _ESPNET_LICENCE,
        ('encoder.level1.conv.weight', 'conv.conv.weight', 'up_l3.0.weight'), _ESPNET_NAMES,
        CITYSCAPES_PREPROCESSING),
    'espnet_c': Family(
        'segmentation', *_ESPNET, 'pretrained/encoder', _ESPNET_LICENCE,
        ('level2_0.c1.conv.weight', 'classifier.conv.weight'), _ESPNET_C_NAMES,
        CITYSCAPES_PREPROCESSING),
    'espnetv2': Family(
        'classification', *_EDGENETS, 'model/classification/model_zoo/espnetv2',
        _EDGENETS_LICENCE, ('level2_0.eesp.proj_1x1.conv.weight', 'classifier.weight'),
        _CLASSIFICATION_NAMES, IMAGENET_EVALUATION),
}

RELEASES = {
    '9412a86a30f137540ef945d08da3cb7191448956c56c41a64210dab443a9f65f': Release(
        'espnetv2_seg', 'espnetv2_s_0.5_city_1024x512.pth', 'cityscapes', 1024, 512,
        469319, 53.9, 'val'),
    '63e398dec148f63c8ad117497864f99f021926b347fd4ee608036c36041e7f36': Release(
        'espnetv2_seg', 'espnetv2_s_0.5_city_512x256.pth', 'cityscapes', 512, 256,
        469319, 47.3, 'val'),
    '9c7bebecd73c603a7eb2d8833eb2c54d0627e37e731548b7833291873e0a2e67': Release(
        'espnetv2_seg', 'espnetv2_s_0.5_pascal_256x256.pth', 'pascal_voc', 256, 256, 469363),
    '3352b32b209e1e6492d1481734f5333876b28d8866f5c1702d01ec70255eb20c': Release(
        'espnetv2_seg', 'espnetv2_s_0.5_pascal_384x384.pth', 'pascal_voc', 384, 384,
        469363, 47.18, 'val'),
    '0918c833fed889e32901ce739b1784fdd2b79f95a9aea199a469ca3394dd7a14': Release(
        'espnetv2_seg', 'espnetv2_s_1.0_city_1024x512.pth', 'cityscapes', 1024, 512,
        1107690, 60.1, 'val'),
    '002121eee40c31c8b74186153878452e02ef834d35f3e4a8801b3a84fdc3ec7d': Release(
        'espnetv2_seg', 'espnetv2_s_1.0_city_512x256.pth', 'cityscapes', 512, 256,
        1107690, 52.2, 'val'),
    '276d738e38733c136abf5ee9e8a801f5455b2751078c7c1d52a2b485460264be': Release(
        'espnetv2_seg', 'espnetv2_s_1.0_pascal_256x256.pth', 'pascal_voc', 256, 256, 1107734),
    '7ce2df106b62661a4e8e30098398d6b96a2a946b9546d2287500379f984301a8': Release(
        'espnetv2_seg', 'espnetv2_s_1.0_pascal_384x384.pth', 'pascal_voc', 384, 384,
        1107734, 60.22, 'val'),
    '0dbbda9126583d62f73dfdc28a59a30ab4564094ee6d28428b897a4e36c466b4': Release(
        'espnetv2_seg', 'espnetv2_s_1.5_city_1024x512.pth', 'cityscapes', 1024, 512,
        2068779, 63.8, 'val'),
    '711c76f0f814642953a68f485d64c5584772ca98db3d2d5f68d154749d75be2f': Release(
        'espnetv2_seg', 'espnetv2_s_1.5_city_512x256.pth', 'cityscapes', 512, 256,
        2068779, 54.6, 'val'),
    '0a297ec35a29168bef481b2e01a5735122eae5dd10f64c1a02d12f8ae141c727': Release(
        'espnetv2_seg', 'espnetv2_s_1.5_pascal_256x256.pth', 'pascal_voc', 256, 256, 2068823),
    '75f67549659cb5db6a8323a7595e3ce1bc3cbea7f95731105dec7a6d034b516b': Release(
        'espnetv2_seg', 'espnetv2_s_1.5_pascal_384x384.pth', 'pascal_voc', 384, 384,
        2068823, 63.67, 'val'),
    'a72d59699801c7ce8e8b89a53af9097eaaa60dc12180ecde86fd700ba1222fe8': Release(
        'espnetv2_seg', 'espnetv2_s_2.0_city_1024x512.pth', 'cityscapes', 1024, 512,
        3376094, 66.4, 'val'),
    '6b6f26b567c82bb4d6624387f24ed505613edafad19222e1707993fbe0d1d8f6': Release(
        'espnetv2_seg', 'espnetv2_s_2.0_city_512x256.pth', 'cityscapes', 512, 256, 3376094),
    'e4883abccf8f042d422f2c66d69bd21b7af8d41680335e117eb2ee205f303d32': Release(
        'espnetv2_seg', 'espnetv2_s_2.0_pascal_256x256.pth', 'pascal_voc', 256, 256, 3371962),
    'bc479586b0ba9254e02589020346931a14d99028ad6bac4817198be6d9e719a6': Release(
        'espnetv2_seg', 'espnetv2_s_2.0_pascal_384x384.pth', 'pascal_voc', 384, 384,
        3376138, 67.01, 'val'),
    'ea4762a7cfe84c3ea7439eab4c7f124260584c6a7d488be08d0ae06a271b3c9f': Release(
        'espnetv2_seg_paper', 'espnetv2_segmentation_s_0.5.pth', 'cityscapes', 1024, 512,
        516848, 54.7, 'test'),
    'c7a71be72fc0985bd9b7a2f6272960f42d525d487cf9ec63e551bf3b0136c997': Release(
        'espnetv2_seg_paper', 'espnetv2_segmentation_s_1.0.pth', 'cityscapes', 1024, 512, 1508185),
    '93abaf135bb02bc55f7779da1d12bc4d0925f8cbdc89f4261cea7cda6cadf655': Release(
        'espnetv2_seg_paper', 'espnetv2_segmentation_s_1.5.pth', 'cityscapes', 1024, 512,
        3071580, 62.1, 'test'),
    '5101e9bc90dd2a57d8460e70cdfaa743f76317bf806d2d1c4adb635c8d392e77': Release(
        'espnet_c', 'espnet_p_2_q_3.pth', 'cityscapes', 1024, 512, 772764),
    'ec028eb60b08a56583eb9d310f5f4f7c4bc70972009030c25f1414dc48c916d6': Release(
        'espnet_c', 'espnet_p_2_q_5.pth', 'cityscapes', 1024, 512, 1037106),
    '836f28a2a31bd4fc8997001ab6b620d1f9b7b274a03b32d9f3a95c17a011b438': Release(
        'espnet_c', 'espnet_p_2_q_8.pth', 'cityscapes', 1024, 512, 1433605),
    '8f3eb198fb15e5da7fa8d258d5f0fc4a4213e1124f415f6fc54d2772d585a7fc': Release(
        'espnet', 'espnet_p_2_q_3.pth', 'cityscapes', 1024, 512, 840008),
    '0378be45080ca5edfc416e9ba06b04e74ec5e2ec4baf56597f25a894a8593942': Release(
        'espnet', 'espnet_p_2_q_5.pth', 'cityscapes', 1024, 512, 1104612),
    '343b0e77e8545d36113c4f3efbf1ee349256f25c97c9f9d5ddefe45f2f49763e': Release(
        'espnet', 'espnet_p_2_q_8.pth', 'cityscapes', 1024, 512, 1501621, 60.3, 'test'),
    '7d354a257170322086dcd4c1e89a482454cf2c9d30b085e70883878dd59301af': Release(
        'espnet', 'espnet_p_2_q_8_camvid.pth', 'camvid', 480, 360, 1460677, 55.64, ''),
}

# The sha256 of these files is not known here. Their identity is the id that git computes from the
# content, as the tree of the commit lists it.
IMAGENET_RELEASES = {
    '12249b9cf29a722a5efe0ee73002b67854b410cf': Release(
        'espnetv2', 'espnetv2_s_0.5_imagenet_224x224.pth', 'imagenet', 224, 224, None,
        split='val', reported_top1=57.68, reported_top5=79.85),
    '78c1bad0c94004d8328578e7cd5db8ab764bf8fd': Release(
        'espnetv2', 'espnetv2_s_1.0_imagenet_224x224.pth', 'imagenet', 224, 224, None,
        split='val', reported_top1=66.09, reported_top5=86.54),
    '96e4554599ea2099e84f14908036a640ab39598b': Release(
        'espnetv2', 'espnetv2_s_1.25_imagenet_224x224.pth', 'imagenet', 224, 224, None,
        split='val', reported_top1=67.95, reported_top5=87.82),
    'a33e1727856bc929cc00ef497df2befcc575f4d9': Release(
        'espnetv2', 'espnetv2_s_1.5_imagenet_224x224.pth', 'imagenet', 224, 224, None,
        split='val', reported_top1=69.17, reported_top5=88.71),
    '2ff6a4b97c21f24816826fd9917215b38351d337': Release(
        'espnetv2', 'espnetv2_s_2.0_imagenet_224x224.pth', 'imagenet', 224, 224, None,
        split='val', reported_top1=72.06, reported_top5=90.39),
}

# Where the input of a data set is not made as that of its family.
PREPROCESSING_BY_DATASET = {'camvid': CAMVID_PREPROCESSING}

# What the class count of a file without a known sha256 stands for.
DATASETS = {
    ('espnetv2_seg', 20): ('cityscapes', 1024, 512),
    ('espnetv2_seg', 21): ('pascal_voc', 384, 384),
    ('espnetv2_seg_paper', 20): ('cityscapes', 1024, 512),
    ('espnet', 20): ('cityscapes', 1024, 512),
    ('espnet', 12): ('camvid', 480, 360),
    ('espnet_c', 20): ('cityscapes', 1024, 512),
    ('espnetv2', 1000): ('imagenet', 224, 224),
}
UNKNOWN_DATASET = {'segmentation': ('unknown', 1024, 512), 'classification': ('unknown', 224, 224)}


def git_object_id(path: str) -> str:
    """
    Return the id under which git keeps the content of a file: a SHA-1 over length and content.

    :param path: path of the file.
    :raises ModelError: the file cannot be read.
    """
    try:
        with open(path, 'rb') as stream:
            content = stream.read()
    except OSError as error:
        raise ModelError('cannot read {}: {}'.format(path, error.strerror))
    return hashlib.sha1(b'blob %d\0' % len(content) + content).hexdigest()


def release_of(path: str, sha256: str) -> Optional[Release]:
    """
    Return the release whose content a file has, whatever it is called; None for another file.

    :param path: path of the file.
    :param sha256: of its content.
    :raises ModelError: the file cannot be read.
    """
    return RELEASES.get(sha256) or IMAGENET_RELEASES.get(git_object_id(path))
