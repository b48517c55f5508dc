# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Every encoding is decoded to the right colours, and bad images are refused in one sentence."""

import array

import cv2
from espnet_perception.errors import ImageError
from espnet_perception.pipeline.decoding import decode_compressed, decode_image, ENCODINGS
import numpy as np
import pytest

HEIGHT, WIDTH = 6, 8
# One colour per quadrant: chroma shared by neighbours and demosaicing keep a flat area exact.
BLUE_GREEN_RED = ((200, 40, 10), (20, 180, 60), (30, 70, 220), (128, 128, 128))


def flat_image_bgr(colour):
    """Return a (6, 8, 3) image of one colour."""
    return np.full((HEIGHT, WIDTH, 3), colour, np.uint8)


def noise_bgr():
    """Return (6, 8, 3) noise."""
    return np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def encode_yuv(image_bgr, order):
    """Encode a flat image with full textbook BT.601 (video range) for any of the YUV layouts."""
    blue, green, red = (float(part) for part in image_bgr[0, 0])
    luma = round(16 + 0.257 * red + 0.504 * green + 0.098 * blue)
    u = round(128 - 0.148 * red - 0.291 * green + 0.439 * blue)
    v = round(128 + 0.439 * red - 0.368 * green - 0.071 * blue)
    if order in ('uyvy', 'yuyv'):
        group = [u, luma, v, luma] if order == 'uyvy' else [luma, u, luma, v]
        return np.tile(np.array(group, np.uint8), (HEIGHT, WIDTH // 2))
    chroma = [u, v] if order == 'nv12' else [v, u]
    return np.vstack([np.full((HEIGHT, WIDTH), luma, np.uint8),
                      np.tile(np.array(chroma, np.uint8), (HEIGHT // 2, WIDTH // 2))])


def encode_bayer(image_bgr, pattern):
    """Keep of each pixel the one colour that the pattern's letter names."""
    mosaic = np.empty((HEIGHT, WIDTH), np.uint8)
    for place, letter in enumerate(pattern):
        row, column = divmod(place, 2)
        mosaic[row::2, column::2] = image_bgr[row::2, column::2, 'bgr'.index(letter)]
    return mosaic


def decode(encoding, samples, padding=0, big=False, **changed):
    """Decode samples given as a 2-D array of one row each, with padded rows."""
    rows = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder('>' if big else '<')))
    rows = rows.view(np.uint8).reshape(len(rows), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    arguments = {'height': HEIGHT, 'width': WIDTH, 'step': rows.shape[1],
                 'raw_bytes': rows.tobytes()}
    arguments.update(changed)
    return decode_image(encoding, is_bigendian=big, **arguments)


@pytest.mark.parametrize('padding', [0, 1, 5])
@pytest.mark.parametrize('encoding, order', [
    ('bgr8', [0, 1, 2]), ('8UC3', [0, 1, 2]), ('rgb8', [2, 1, 0]), ('bgra8', [0, 1, 2, 0]),
    ('8UC4', [0, 1, 2, 0]), ('rgba8', [2, 1, 0, 0])])
def test_colour_encodings_give_back_every_pixel(encoding, order, padding):
    image_bgr = noise_bgr()
    decoded = decode(encoding, image_bgr[:, :, order].reshape(HEIGHT, -1), padding)
    np.testing.assert_array_equal(decoded, image_bgr)


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey_becomes_three_equal_channels(encoding, padding):
    grey = noise_bgr()[:, :, 0]
    decoded = decode(encoding, grey, padding)
    np.testing.assert_array_equal(decoded, np.dstack([grey] * 3))


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize('big', [False, True])
@pytest.mark.parametrize('encoding', ['mono16', '16UC1'])
def test_sixteen_bits_are_scaled_in_either_byte_order(encoding, big, padding):
    grey = noise_bgr()[:, :, 0]
    decoded = decode(encoding, grey.astype(np.uint16) * 257, padding, big)
    np.testing.assert_array_equal(decoded, np.dstack([grey] * 3))


@pytest.mark.parametrize('big', [False, True])
@pytest.mark.parametrize('encoding, order', [('bgr16', [0, 1, 2]), ('rgb16', [2, 1, 0])])
def test_sixteen_bit_colour(encoding, order, big):
    image_bgr = noise_bgr()
    samples = image_bgr[:, :, order].reshape(HEIGHT, -1).astype(np.uint16) * 257
    np.testing.assert_array_equal(decode(encoding, samples, 2, big), image_bgr)


@pytest.mark.parametrize('big', [False, True])
def test_floats_from_zero_to_one(big):
    image_bgr = noise_bgr()
    samples = image_bgr.reshape(HEIGHT, -1).astype(np.float32) / 255
    np.testing.assert_array_equal(decode('32FC3', samples, 4, big), image_bgr)
    grey = image_bgr[:, :, 1]
    np.testing.assert_array_equal(decode('32FC1', grey.astype(np.float32) / 255, 0, big),
                                  np.dstack([grey] * 3))


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize('colour', BLUE_GREEN_RED)
@pytest.mark.parametrize('encoding, order', [
    ('yuv422', 'uyvy'), ('uyvy', 'uyvy'), ('yuv422_yuy2', 'yuyv'), ('yuyv', 'yuyv'),
    ('nv12', 'nv12'), ('nv21', 'nv21')])
def test_yuv_of_both_naming_schemes(encoding, order, colour, padding):
    image_bgr = flat_image_bgr(colour)
    decoded = decode(encoding, encode_yuv(image_bgr, order), padding)
    assert decoded.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(decoded.astype(int) - image_bgr).max() <= 4  # 8-bit YUV is that coarse


@pytest.mark.parametrize('colour', BLUE_GREEN_RED)
@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_bayer_patterns(pattern, colour):
    image_bgr = flat_image_bgr(colour)
    decoded = decode('bayer_{}8'.format(pattern), encode_bayer(image_bgr, pattern), 3)
    np.testing.assert_array_equal(decoded, image_bgr)


def test_every_encoding_of_the_table_is_tested_above():
    tested = {'bgr8', '8UC3', 'rgb8', 'bgra8', '8UC4', 'rgba8', 'mono8', '8UC1', 'mono16',
              '16UC1', 'bgr16', 'rgb16', '32FC1', '32FC3', 'yuv422', 'uyvy', 'yuv422_yuy2',
              'yuyv', 'nv12', 'nv21', 'bayer_rggb8', 'bayer_bggr8', 'bayer_gbrg8', 'bayer_grbg8'}
    assert tested == set(ENCODINGS)


def test_bgr8_is_a_view_of_the_payload():
    payload = array.array('B', bytes(HEIGHT * 30))
    decoded = decode_image('bgr8', HEIGHT, WIDTH, 30, False, payload)
    payload[30 + 3 * 2 + 1] = 77  # row 1, column 2, green
    assert decoded[1, 2, 1] == 77


@pytest.mark.parametrize('changed, sentence', [
    ({'height': 0}, 'the image is 8 x 0 pixels'),
    ({'width': 0}, 'the image is 0 x 6 pixels'),
    ({'step': 23}, 'has a step of 23 bytes, but a row of 8 pixels takes 24'),
    ({'step': 25}, 'holds 144 bytes, expected 6 rows of 25 bytes = 150; it is truncated'),
    ({'raw_bytes': b''}, 'holds 0 bytes, expected 6 rows of 24'),
    ({'raw_bytes': bytes(143)}, 'it is truncated'),
    ({'raw_bytes': bytes(145)}, 'it is too long'),
])
def test_wrong_geometry_is_refused(changed, sentence):
    with pytest.raises(ImageError, match=sentence):
        decode('bgr8', noise_bgr().reshape(HEIGHT, -1), **changed)


@pytest.mark.parametrize('encoding', ['nv12', 'yuyv'])
def test_odd_width_is_refused_where_colour_is_shared(encoding):
    with pytest.raises(ImageError, match='needs even sides'):
        decode_image(encoding, 4, 7, 14, False, bytes(84))


def test_unknown_encoding_names_the_nearest_and_all():
    with pytest.raises(ImageError, match="unknown image encoding 'bgr_8'; did you mean 'bgr8'") \
            as raised:
        decode_image('bgr_8', HEIGHT, WIDTH, 24, False, bytes(144))
    assert all(name in str(raised.value) for name in ENCODINGS)


@pytest.mark.parametrize('value, sentence', [
    (np.nan, 'holds 1 NaN values of 48'), (np.inf, 'values from 0 to inf'),
    (4.5, 'values from 0 to 4.5.*depth image'), (-1.0, 'values from -1 to 0')])
def test_float_values_that_are_no_intensities_are_refused(value, sentence):
    samples = np.zeros((HEIGHT, WIDTH), np.float32)
    samples[2, 3] = value
    with pytest.raises(ImageError, match=sentence):
        decode('32FC1', samples)


@pytest.mark.parametrize('encoding', sorted(ENCODINGS))
def test_the_smallest_images_never_crash(encoding):
    layout = ENCODINGS[encoding]
    step = 2 * layout.channels * np.dtype(layout.sample).itemsize
    payload = bytes(step * (3 if layout.chroma_plane else 2))
    try:
        assert decode_image(encoding, 2, 2, step, False, payload).shape == (2, 2, 3)
    except ImageError as error:
        assert 'cannot be converted' in str(error)


@pytest.mark.parametrize('suffix, tolerance', [('.png', 0), ('.jpg', 12)])
def test_compressed_images(suffix, tolerance):
    image_bgr = flat_image_bgr((200, 40, 10))
    coded = cv2.imencode(suffix, image_bgr)[1].tobytes()
    decoded = decode_compressed(coded + bytes(100))  # some cameras pad
    assert np.abs(decoded.astype(int) - image_bgr).max() <= tolerance


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_truncated_compressed_images_are_refused(suffix):
    noise = np.random.default_rng(3).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    coded = cv2.imencode(suffix, noise)[1].tobytes()
    for length in (100, len(coded) // 2, len(coded) - 20):
        with pytest.raises(ImageError, match='truncated'):
            decode_compressed(coded[:length])


@pytest.mark.parametrize('payload, sentence', [
    (b'', 'holds 0 bytes'), (b'hello', '5 bytes, starting 68656c6c, is damaged or neither')])
def test_what_is_no_image_is_refused(payload, sentence):
    with pytest.raises(ImageError, match=sentence):
        decode_compressed(payload)
