# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of Cityscapes, PASCAL VOC and the synthetic streets, on layouts made here."""

import pickle

import cv2
from espnet_perception.errors import DatasetError
from espnet_perception.synthetic import SyntheticDrive
from espnet_perception.training import frame_cache
from espnet_perception.training.datasets import open_pairs, synthetic
from espnet_perception.training.datasets.cityscapes import label_ids
import numpy as np
from PIL import Image
import pytest


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), values)


def city_frame(folder, split, stem, ending, values, kind='gtFine'):
    city = stem.split('_')[0]
    write(folder / 'leftImg8bit' / split / city / (stem + '_leftImg8bit.png'),
          np.zeros((4, 8, 3), np.uint8))
    write(folder / kind / split / city / '{}_{}_{}.png'.format(stem, kind, ending),
          np.array(values, np.uint8).reshape(4, 8))


def test_cityscapes_by_label_ids(tmp_path):
    ids = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33, 0, 1, 2, 3, 4,
           5, 6, 9, 10, 14, 29, 30, 255]
    for stem in ('ulm_000001_000019', 'aachen_000000_000019'):
        city_frame(tmp_path, 'train', stem, 'labelIds', ids)
    data = open_pairs('cityscapes', str(tmp_path), 'train')
    assert [pair.stem for pair in data.pairs] == ['train/aachen/aachen_000000_000019',
                                                  'train/ulm/ulm_000001_000019']
    assert data.groups == {'aachen': [0], 'ulm': [1]}
    assert data.read(1)[1].ravel().tolist() == [*range(19)] + [255] * 13
    assert data.rights.frames_may_be_shown is False


def test_cityscapes_by_train_ids_and_its_coarse_part(tmp_path):
    city_frame(tmp_path, 'val', 'lindau_1_2', 'labelTrainIds', [18, 255] * 16)
    city_frame(tmp_path, 'val', 'lindau_1_2', 'labelIds', [33, 0] * 16)
    city_frame(tmp_path, 'train_extra', 'bonn_1_2', 'labelIds', [7] * 32, 'gtCoarse')
    assert open_pairs('cityscapes', str(tmp_path), 'val').read_labels(0)[0, :2].tolist() == [
        18, 255]
    assert not open_pairs('cityscapes', str(tmp_path), 'train_extra').read_labels(0).any()


@pytest.mark.parametrize('split, match', [
    ('train', 'cannot read .*train: No such file.*; give the folder that holds leftImg8bit'),
    ('val', r'1 of 1 images of val have no mask \.\.\._labelIds.png in .*lindau: val/lindau'),
    ('strange', r'holds 34, expected class ids of cityscapes')])
def test_cityscapes_says_what_is_missing(tmp_path, split, match):
    city_frame(tmp_path, 'val', 'lindau_1_2', 'polygons', [0] * 32)
    city_frame(tmp_path, 'strange', 'lindau_1_2', 'labelIds', [34] * 32)
    with pytest.raises(DatasetError, match=match):
        open_pairs('cityscapes', str(tmp_path), split).read(0)


def test_every_label_id_is_told():
    ids = label_ids()
    assert ids[[7, 33, 0, 29, 255, 34, 254]].tolist() == [0, 18, 255, 255, 255, -1, -1]


@pytest.fixture
def voc(tmp_path):
    """Folder above a VOC2012 with three images."""
    root = tmp_path / 'VOCdevkit' / 'VOC2012'
    for stem, value in (('2007_1', 0), ('2007_2', 20), ('2008_3', 5)):
        write(root / 'JPEGImages' / (stem + '.jpg'), np.zeros((4, 6, 3), np.uint8))
        folder = 'SegmentationClassAug' if stem == '2008_3' else 'SegmentationClass'
        (root / folder).mkdir(exist_ok=True)
        mask = Image.fromarray(np.array([[value, 255]] * 4, np.uint8).repeat(3, axis=1))
        mask.putpalette([7, 8, 9] * 256)
        mask.save(root / folder / (stem + '.png'))
    lists = root / 'ImageSets' / 'Segmentation'
    lists.mkdir(parents=True)
    (lists / 'train.txt').write_text('2007_1\n2007_2\n')
    (lists / 'trainaug.txt').write_text('/JPEGImages/2008_3.jpg /SegmentationClassAug/2008_3.png')
    (lists / 'val.txt').write_text('2007_2\n2009_9\n')
    return tmp_path


def test_pascal_voc(voc):
    data = open_pairs('pascal_voc', str(voc), 'train+trainaug')
    assert [pair.stem for pair in data.pairs] == ['train/2007_1', 'train/2007_2',
                                                  'trainaug/2008_3']
    assert [data.read(index)[1][0].tolist() for index in range(3)] == [
        [value] * 3 + [255] * 3 for value in (0, 20, 5)]
    assert open_pairs('pascal_voc', str(voc / 'VOCdevkit' / 'VOC2012'), 'train').groups == {}


@pytest.mark.parametrize('split, match', [
    ('test', "cannot read the list of split 'test'"),
    ('val', '1 of 2 images have no mask .*2009_9.png: val/2009_9')])
def test_pascal_voc_says_what_is_missing(voc, split, match):
    with pytest.raises(DatasetError, match=match):
        open_pairs('pascal_voc', str(voc), split)


@pytest.fixture(scope='module')
def streets(tmp_path_factory):
    """Folder, and the training part of two tiny drives in it."""
    folder = str(tmp_path_factory.mktemp('streets'))
    options = {'width': 48, 'height': 32, 'train_drives': 2}
    return folder, options, open_pairs('synthetic', folder, 'train', options)


def test_synthetic_frames_are_those_of_the_drives(streets):
    _, _, data = streets
    assert (len(data), list(data.groups)) == (20, ['1000', '1001'])
    frame = SyntheticDrive(1001, 48, 32, 10, 0.25)[4]
    image, labels = data.read(14)
    assert data.pairs[14].stem == '1001/004'
    assert np.array_equal(image, frame.image_bgr)
    assert np.array_equal(labels, frame.labels)
    assert image.flags.writeable
    assert not data.is_damaged(14)


def test_synthetic_frames_are_rendered_once(streets, monkeypatch):
    folder, options, data = streets
    monkeypatch.setattr(frame_cache, '_render_all', None)
    again = open_pairs('synthetic', folder, 'train', options)
    assert list(again.stamps()) == list(data.stamps())


def test_synthetic_frames_travel_to_a_loading_process_without_their_pixels(streets):
    _, _, data = streets
    data.read(0)
    parcel = pickle.dumps(data)
    assert len(parcel) < 20000 < data.cache.images_bgr.nbytes
    assert np.array_equal(pickle.loads(parcel).read(3)[0], data.read(3)[0])


def test_the_measuring_splits_are_those_that_were_always_used():
    assert synthetic.SPLITS['test'] == (90001, 4, 60, 1.0)
    assert synthetic.SPLITS['val'] == (50000, 8, 6, 0.25)


@pytest.mark.parametrize('split, options, match', [
    ('tests', {}, "unknown split of the synthetic streets 'tests'; did you mean 'test'"),
    ('train', {'width': 8}, '300 drives of 10 frames of 8 x 256 pixels cannot be drawn'),
    ('train', {'train_drives': 0}, '0 drives of 10 frames')])
def test_streets_that_cannot_be_drawn(tmp_path, split, options, match):
    with pytest.raises(DatasetError, match=match):
        open_pairs('synthetic', str(tmp_path), split, options)


def test_a_cache_of_other_settings_is_refused(tmp_path):
    frame_cache.render(str(tmp_path / 'a'), [1], 1, (32, 32), 1.0)
    with pytest.raises(DatasetError, match='was made with other settings; remove it'):
        frame_cache.render(str(tmp_path / 'a'), [2], 1, (32, 32), 1.0)


def test_an_interrupted_rendering_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(frame_cache, '_render_drive', interrupted)
    with pytest.raises(KeyboardInterrupt):
        frame_cache.render(str(tmp_path / 'a'), [1], 1, (32, 32), 1.0)
    assert list(tmp_path.iterdir()) == []
