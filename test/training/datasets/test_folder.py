# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the user's own folder: layouts, splits, ids and colours, and what can be wrong."""

import cv2
from espnet_perception.errors import DatasetError
from espnet_perception.training.datasets import open_pairs
import numpy as np
import pytest

COLOURS = {'path': (128, 64, 128), 'grass': (0, 200, 0), 'water': (0, 0, 255)}
SIZE = (16, 24)


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), values)


def stripes(ids):
    """Return a mask of equal stripes of class ids."""
    return np.repeat(np.array(ids, np.uint8), SIZE[0] * SIZE[1] // len(ids)).reshape(SIZE)


def painted(labels):
    """Return the blue-green-red picture of a mask; 255 is black."""
    table = np.zeros((256, 3), np.uint8)
    table[:3] = [colour[::-1] for colour in COLOURS.values()]
    return table[labels]


@pytest.fixture
def yard(tmp_path):
    """Folder of 20 images with masks of ids, flat layout."""
    folder = tmp_path / 'yard'
    for index in range(20):
        write(folder / 'images' / 'yard_{:02d}.jpg'.format(index),
              np.full((*SIZE, 3), 10 * index, np.uint8))
        write(folder / 'masks' / 'yard_{:02d}.png'.format(index), stripes([0, 1, 2, 255]))
    (folder / 'classes.txt').write_text('# of the yard\n' + ''.join(
        '{} {} {} {}\n'.format(name, *colour) for name, colour in COLOURS.items()))
    return folder


def test_ids_in_one_channel(yard):
    data = open_pairs('folder', str(yard), 'all')
    assert (data.name, len(data), data.label_set.classes) == ('yard', 20, tuple(COLOURS))
    image, labels = data.read(3)
    assert image.shape == (*SIZE, 3)
    assert abs(int(image.mean()) - 30) <= 1
    assert labels.tolist() == stripes([0, 1, 2, 255]).tolist()


def test_without_lists_a_hash_of_the_names_splits_once_and_for_all(yard):
    train, val = (open_pairs('folder', str(yard), split) for split in ('train', 'val'))
    stems = [{pair.stem for pair in part.pairs} for part in (train, val)]
    assert len(stems[0] | stems[1]) == 20
    assert not stems[0] & stems[1]
    assert 1 <= len(val) <= 8
    assert 'of 20 images, by a hash of their names' in val.note
    write(yard / 'images' / 'late.png', np.zeros((*SIZE, 3), np.uint8))
    write(yard / 'masks' / 'late.png', stripes([1]))
    later = {pair.stem for pair in open_pairs('folder', str(yard), 'val').pairs}
    assert later - {'late'} == stems[1]


def test_two_images_are_one_to_learn_from_and_one_to_check(yard):
    for index in range(2, 20):
        (yard / 'images' / 'yard_{:02d}.jpg'.format(index)).unlink()
        (yard / 'masks' / 'yard_{:02d}.png'.format(index)).unlink()
    assert [len(open_pairs('folder', str(yard), split)) for split in ('train', 'val')] == [1, 1]


def test_lists_choose(yard):
    (yard / 'train.txt').write_text('yard_01\nyard_02.jpg\n\n')
    (yard / 'val.txt').write_text('yard_03\n')
    (yard / 'masks' / 'yard_09.png').unlink()  # not listed, not missed
    assert [pair.stem for pair in open_pairs('folder', str(yard), 'train').pairs] == [
        'yard_01', 'yard_02']
    both = open_pairs('folder', str(yard), 'train+val')
    assert (len(both), both.note) == (3, '')


def test_folders_choose(tmp_path, yard):
    for split, first in (('train', 0), ('val', 15)):
        for kind, suffix in (('images', 'jpg'), ('masks', 'png')):
            for index in range(first, 20 if first else 15):
                source = yard / kind / 'yard_{:02d}.{}'.format(index, suffix)
                target = tmp_path / 'split' / kind / split / source.name
                target.parent.mkdir(parents=True, exist_ok=True)
                source.rename(target)
    (tmp_path / 'split' / 'names.yaml').write_text('[path, grass, water]')
    sizes = [len(open_pairs('folder', str(tmp_path / 'split'), split, {'classes': 'names.yaml'}))
             for split in ('train', 'val')]
    assert sizes == [15, 5]


def test_colours_become_ids_and_black_counts_nowhere(yard):
    truth = stripes([2, 0, 255, 1])
    write(yard / 'masks' / 'yard_04.png', painted(truth))
    assert open_pairs('folder', str(yard), 'all').read_labels(4).tolist() == truth.tolist()


def test_black_is_a_class_where_the_classes_say_so(yard):
    (yard / 'classes.txt').write_text('path 128 64 128\ngrass 0 200 0\nnight 0 0 0\n')
    write(yard / 'masks' / 'yard_04.png', painted(stripes([0, 255])))
    assert set(open_pairs('folder', str(yard), 'all').read_labels(4).ravel()) == {0, 2}


def test_a_palette_image_counts_by_its_indices(yard):
    from PIL import Image
    mask = Image.fromarray(stripes([2, 1]))
    mask.putpalette([9, 9, 9] * 256)
    mask.save(yard / 'masks' / 'yard_04.png')
    data = open_pairs('folder', str(yard), 'all')
    assert data.decode_mask(data.pairs[4].mask).ndim == 2
    assert set(data.read_labels(4).ravel()) == {1, 2}


def spoil_ids(yard):
    write(yard / 'masks' / 'yard_04.png', stripes([0, 7, 9]))


def spoil_colours(yard):
    write(yard / 'masks' / 'yard_04.png', np.full((*SIZE, 3), (3, 2, 1), np.uint8))


def spoil_wide_ids(yard):
    write(yard / 'masks' / 'yard_04.png', np.full(SIZE, 300, np.uint16))


def spoil_size(yard):
    write(yard / 'masks' / 'yard_04.png', np.zeros((8, 8), np.uint8))


def spoil_image(yard):
    (yard / 'images' / 'yard_04.jpg').write_bytes(b'no image')


@pytest.mark.parametrize('spoil, match', [
    (spoil_ids, r'yard_04.png holds 7, 9, expected class ids of classes \(0 to 2\) or 255'),
    (spoil_wide_ids, r'yard_04.png holds 300, expected class ids'),
    (spoil_colours, r'has a colour that no class has, \(1, 2, 3\) \(red, green, blue\), expected'),
    (spoil_size, r'yard_04.jpg is 24 x 16 pixels and its mask 8 x 8'),
    (spoil_image, r'cannot read the image .*yard_04.jpg: 8 bytes that are no image')])
def test_wrong_files_are_named(yard, spoil, match):
    spoil(yard)
    with pytest.raises(DatasetError, match=match):
        open_pairs('folder', str(yard), 'all').read(4)


def lose_masks(yard):
    for index in range(5):
        (yard / 'masks' / 'yard_{:02d}.png'.format(index)).unlink()


def lose_an_image(yard):
    (yard / 'images' / 'yard_07.jpg').unlink()


def lose_everything(yard):
    for path in [*(yard / 'images').iterdir(), *(yard / 'masks').iterdir()]:
        path.unlink()


def list_strangers(yard):
    (yard / 'train.txt').write_text('yard_01\nyard_99\n')


def give_a_stem_twice(yard):
    write(yard / 'images' / 'yard_01.png', np.zeros((*SIZE, 3), np.uint8))


def give_a_colour_twice(yard):
    (yard / 'classes.txt').write_text('path 1 2 3\ngrass 1 2 3\n')


@pytest.mark.parametrize('spoil, match', [
    (lose_masks, r'5 of 20 images have no mask in .*masks: yard_00, yard_01, yard_02, \.\.\.;'),
    (lose_an_image, r'1 of 20 masks have no image in .*images: yard_07; add'),
    (lose_everything, r'images holds no image; expected files such as \*.png'),
    (list_strangers, r'1 of 2 names in .*train.txt are not in .*images: yard_99'),
    (give_a_stem_twice, r'yard_01.jpg and yard_01.png have the same stem'),
    (give_a_colour_twice, r"the classes 'path' and 'grass' have the same colour \(1, 2, 3\)"),
    (lambda yard: (yard / 'classes.txt').unlink(), r'holds no classes.txt; list the name of each'),
    (lambda yard: (yard / 'val.txt').write_text('yard_01'), r'there is .*val.txt but no .*train')])
def test_a_wrong_folder_is_refused_in_a_sentence(yard, spoil, match):
    spoil(yard)
    with pytest.raises(DatasetError, match=match):
        open_pairs('folder', str(yard), 'train')


def test_other_mistakes(yard, tmp_path):
    for arguments, match in (
            ((str(tmp_path / 'none'), 'train'), "there is no folder '.*none'"),
            ((str(tmp_path), 'train', {'classes': 'camvid'}), 'cannot read .*images: No such'),
            ((str(yard), 'holdout'), "there is no split 'holdout' in .*; write the stems"),
            ((str(yard), 'train', {'clases': 'x'}), "did you mean 'classes'"),
            ((str(yard), 'train', {'classes': 3}), "option 'classes' .* is 3, expected str")):
        with pytest.raises(DatasetError, match=match):
            open_pairs('folder', *arguments)
