# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run writes down as it goes: a CSV file, TensorBoard, a progress bar, and its ending."""

import contextlib
import csv
import io
import os
import signal
from typing import Any, Dict, Iterator, List, Sequence

from espnet_perception.whole_files import whole_file
from tqdm import tqdm

CSV_FILE = 'journal.csv'
TENSORBOARD_FOLDER = 'tensorboard'


class Journal:
    """
    Rows of figures in a run's folder; resuming drops rows that will be written again.

    :param folder: of the run
    :param columns: names of the figures, the first is ``step``
    :param first_step: rows from this step on belong to a part of the run that is done again
    :param active: False in all processes but one: nothing is written
    """

    def __init__(self, folder: str, columns: Sequence[str], first_step: int, active: bool = True
                 ) -> None:
        self.path = os.path.join(folder, CSV_FILE)
        self.columns = list(columns)
        self._active = active
        self._tensorboard: Any = None
        self.rows = [row for row in read_rows(self.path) if int(row['step']) <= first_step]
        if active:
            os.makedirs(folder, exist_ok=True)
            self._write()
            self._tensorboard = _tensorboard(os.path.join(folder, TENSORBOARD_FOLDER), first_step)

    def add(self, row: Dict[str, Any]) -> None:
        """
        Write a row down.

        :param row: figures by column name; what is missing stays empty
        """
        self.rows.append({name: _plain(row.get(name, '')) for name in self.columns})
        if not self._active:
            return
        self._write()
        if self._tensorboard is not None:
            for name, value in row.items():
                if name != 'step' and isinstance(value, (int, float)):
                    self._tensorboard.add_scalar(name, value, row['step'])

    def close(self) -> None:
        """Write out what TensorBoard still holds."""
        if self._tensorboard is not None:
            self._tensorboard.close()

    def _write(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, extrasaction='ignore', lineterminator='\n')
        writer.writeheader()
        writer.writerows(self.rows)
        with whole_file(self.path) as part, open(part, 'w', encoding='utf-8') as stream:
            stream.write(text.getvalue())


def read_rows(path: str) -> List[Dict[str, str]]:
    """Return the rows of a journal, none where there is no file."""
    if not os.path.exists(path):
        return []
    with open(path, encoding='utf-8', newline='') as stream:
        return [row for row in csv.DictReader(stream) if row.get('step')]


def progress_bar(steps: int, done: int, active: bool) -> tqdm:
    """Return a bar over the steps of a run, with the time that is left."""
    return tqdm(total=steps, initial=done, desc='training', unit='step', mininterval=5,
                disable=not active, smoothing=0.05)


@contextlib.contextmanager
def stop_signals() -> Iterator[List[int]]:
    """Collect SIGTERM and Ctrl-C in a list instead of dying of them."""
    received: List[int] = []
    before = {number: signal.signal(number, lambda got, _: received.append(got))
              for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _plain(value: Any) -> Any:
    return '{:.6g}'.format(value) if isinstance(value, float) else value


def _tensorboard(folder: str, first_step: int) -> Any:
    """Return a writer whose later steps, from an interrupted part, are hidden; None without it."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(folder, purge_step=first_step + 1)
