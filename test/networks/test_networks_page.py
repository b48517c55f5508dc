# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The tables of networks in docs/networks.md and README.md are true: every row is counted anew."""

import re

from espnet_perception import model_card
from espnet_perception.networks import create_network, IMAGE_NETWORKS, network_arguments
from espnet_perception.networks.comparison import MODULES
from espnet_perception.networks.counting import count, Counts
from espnet_perception.networks.espnetv2 import WIDTHS
from espnet_perception.releases import IMAGENET_RELEASES, RELEASES
import pytest
import yaml

TITLES = ('network', 'arguments', 'size', 'parameters', 'multiply-adds', 'accuracy in %',
          'weights')
OWN = 'train your own'
KINDS = {'': 'multiply_adds', 'transposed': 'transposed_multiply_adds',
         'linear': 'linear_multiply_adds'}


def rows(text):
    """Return the rows of every table of networks, title to cell."""
    found, titles = [], None
    for line in text.splitlines():
        cells = tuple(cell.strip() for cell in line.strip('|').split('|'))
        if not line.startswith('|'):
            titles = None
        elif cells == TITLES:
            titles = cells
        elif titles and set(line) != set('|-'):
            found.append(dict(zip(titles, cells)))
    return found


@pytest.fixture(scope='module')
def page(repository):
    """Return the rows of the page."""
    return rows((repository / 'docs/networks.md').read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def readme(repository):
    """Return the rows of the README."""
    return rows((repository / 'README.md').read_text(encoding='utf-8'))


def network_of(row):
    """Return name and arguments of a row, those left out at their defaults."""
    name = row['network'].strip('`')
    arguments = {key: parameter.default for key, parameter in network_arguments(name).items()}
    given = filter(None, row['arguments'].strip('`').split(','))
    arguments.update((key, yaml.safe_load(value)) for key, value in (
        one.split('=') for one in given))
    return name, arguments


def size_of(row):
    """Return (width, height) of a row."""
    return tuple(int(side) for side in row['size'].split('x'))


def counts_of(row):
    """Count the network of a row."""
    name, arguments = network_of(row)
    return count(create_network(name, **arguments), size_of(row)[::-1])


def releases_of(row):
    """Return the releases that a row stands for."""
    name, arguments = network_of(row)
    wanted = (name, arguments['classes'], *size_of(row))
    mark = ('_s_{}'.format(float(arguments['width'])) if 'width' in arguments
            else '_q_{}'.format(arguments['q']) if 'q' in arguments else 'none')
    return [release for release in [*RELEASES.values(), *IMAGENET_RELEASES.values()]
            if (release.network, release.classes, release.width, release.height) == wanted
            and re.search(re.escape(mark) + r'(_|\.pth)', release.file_name)]


def test_every_size_of_the_page_is_counted(page):
    """Parameters and all kinds of multiply-adds, to the last digit."""
    assert len(page) == 43
    for row in page:
        written = {'parameters': int(row['parameters'].replace(',', ''))}
        for part in row['multiply-adds'].split(' + '):
            figure, _, kind = part.partition(' ')
            written[KINDS[kind]] = int(figure.replace(',', ''))
        assert Counts(**written) == counts_of(row), row


def test_every_release_is_on_the_page(page):
    """Each of the authors' files has its row, with what they report; the rest has no weights."""
    named = []
    for row in page:
        found = releases_of(row)
        if not found:
            assert row['weights'] == OWN or row['weights'].startswith('shipped: '), row
            continue
        release, = found
        assert row['weights'] == '`{}`'.format(release.name)
        accuracy = ', '.join('{} {}'.format(value, name) for name, value in release.reported)
        split = ' ({})'.format(release.split) if accuracy and release.split else ''
        assert row['accuracy in %'] == accuracy + split
        named.append(release.name)
    assert sorted(named) == sorted(release.name for release in [
        *RELEASES.values(), *IMAGENET_RELEASES.values()])


def test_every_network_is_on_the_page(page):
    """All that take images, all widths of Table 2, all modules of the comparison."""
    found = [network_of(row) for row in page]
    assert {name for name, _ in found} == set(IMAGE_NETWORKS)
    assert {arguments['width'] for name, arguments in found if name == 'espnetv2'} == set(WIDTHS)
    assert {arguments['module'] for _, arguments in found if 'module' in arguments} == \
        set(MODULES)


def test_what_is_shipped_is_on_the_page(page, repository):
    """Every model that comes with the project, with the accuracy of its card."""
    shipped = {row['weights'].partition(': ')[2].strip('`'): row for row in page
               if row['weights'].startswith('shipped: ')}
    directories = [path.parent for path in (repository / 'models').glob('*/card.yaml')]
    networks = [model_card.load(str(path)) for path in directories]
    assert {card.name for card in networks} == set(shipped)
    for card in networks:
        name, arguments = network_of(shipped[card.name])
        assert name == card.network and card.arguments.items() <= arguments.items()
        assert size_of(shipped[card.name]) == (card.input_width, card.input_height)
        assert shipped[card.name]['accuracy in %'].startswith('{:.1f} {}'.format(
            100 * card.metrics[0]['value'], card.metrics[0]['name']))


def test_the_readme_says_the_same(readme, page):
    """Its rows are rows of the page with rounded multiply-adds."""
    assert len(readme) >= 15
    by_network = {(network_of(row)[0], str(network_of(row)[1]), row['size']): row for row in page}
    for row in readme:
        full = by_network[(network_of(row)[0], str(network_of(row)[1]), row['size'])]
        assert row['parameters'] == full['parameters'], row
        exact = int(full['multiply-adds'].split(' ')[0].replace(',', ''))
        assert row['multiply-adds'] == '{:,.1f} M'.format(exact / 1e6), row
        assert row['accuracy in %'].split(' (')[0] == full['accuracy in %'].split(' (')[0], row
        kind = full['weights'].partition(':')[0] if 'shipped' in full['weights'] else \
            OWN if full['weights'] == OWN else 'released'
        assert row['weights'] == kind, row
