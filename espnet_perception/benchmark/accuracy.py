# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""How accurate a model is, and who says so: its card, an evaluation, or a paper in print."""

import json
from typing import List, NamedTuple, Optional, Tuple

from espnet_perception.errors import SettingsError
from espnet_perception.model_card import ModelCard

CARD, EVALUATED, PRINTED = 'card', 'evaluated', 'printed'
# The figure that stands for a model: in reports, and what people call it.
MAIN_FIGURES = (('miou', 'mIoU'), ('top1', 'top-1'), ('overall_f1', 'overall F1'))


class Accuracy(NamedTuple):
    """
    One figure of a model.

    :param name: mIoU, top-1 ...
    :param percent: 0 to 100.
    :param where: data set and split that it was measured on.
    :param origin: CARD, EVALUATED or PRINTED.
    :param size: (width, height) in pixels at which it was measured; None where nobody tells.
    """

    name: str
    percent: float
    where: str
    origin: str
    size: Optional[Tuple[int, int]] = None

    def holds_at(self, size: Tuple[int, int]) -> bool:
        """
        Return whether it says something of the model at a size.

        :param size: (width, height) in pixels.
        """
        return self.size is None or tuple(self.size) == tuple(size)


class Report(NamedTuple):
    """
    What a report says of one model.

    :param model: its name.
    :param sha256: of its weights; empty where it is not told.
    :param accuracy: the figure.
    """

    model: str
    sha256: str
    accuracy: Accuracy


def of_card(card: ModelCard) -> Optional[Accuracy]:
    """
    Return the main figure of a card: the first that is a share.

    :param card: of the model.
    """
    for row in card.metrics:
        value = row.get('value')
        if isinstance(value, (int, float)) and 0 <= value <= 1:
            where = '{} {}'.format(row.get('dataset', ''), row.get('split', '')).strip()
            size = row.get('size', (card.input_width, card.input_height))
            return Accuracy(str(row.get('name', '')), 100.0 * value, where, CARD, tuple(size))
    return None


def read_reports(paths: List[str]) -> List[Report]:
    """
    Read what `evaluate --json` or --report wrote, or the report.json of a replay.

    :param paths: of JSON files.
    :raises SettingsError: a file is no such report.
    """
    return [_report(path) for path in paths]


def of_reports(reports: List[Report], name: str, sha256: str) -> Optional[Accuracy]:
    """
    Return what the reports say of a model.

    :param reports: of ``read_reports``.
    :param name: of the model.
    :param sha256: of its weights; a report that tells another one is of another model.
    """
    for report in reports:
        if report.sha256 == sha256 if report.sha256 else report.model == name:
            return report.accuracy
    return None


def _report(path: str) -> Report:
    try:
        with open(path, encoding='utf-8') as stream:
            values = json.load(stream)  # type: Dict[str, Any]
        facts = dict(values['source'], **{key: values[key] for key in ('model', 'sha256')
                                          if key in values})
        metrics = values['metrics'] if 'metrics' in values else values['overall']['metrics']
        name, words = next(pair for pair in MAIN_FIGURES if metrics.get(pair[0]) is not None)
        where = '{} {}'.format(values['dataset'], values.get('split', '')).strip() \
            if 'dataset' in values else ', '.join(bag['name'] for bag in values['bags'])
        return Report(facts['model'], facts.get('sha256', ''),
                      Accuracy(words, 100.0 * metrics[name], where, EVALUATED,
                               (facts['network_width'], facts['network_height'])))
    except OSError as error:
        raise SettingsError('cannot read the report {}: {}'.format(path, error.strerror))
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        raise SettingsError('{} is no report with a figure of accuracy; give a file that '
                            '`espnet-perception evaluate --json` wrote'.format(path))
