# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What a replay keeps on disk."""

import subprocess
import sys

from espnet_perception.errors import OutputError
from espnet_perception.evaluation.state import BagState, FrameRecord, write_text
import numpy as np
import pytest

IDENTITY = {'bag': '/a', 'classes': ('x', 'y'), 'model': 'm'}
ROW = FrameRecord(0, 5, 6, 'answered', '', 0.5, 123, {'total': 7}, [[0, 1, 2]])


def test_records_survive(tmp_path):
    """Everything comes back as it was, masks too."""
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    state = BagState(tmp_path / 'bag', IDENTITY)
    state.append(ROW)
    state.append(FrameRecord(1, 8, 9, 'dropped'))
    state.append_session({'sent': 2})
    state.save_mask(0, labels)
    again = BagState(tmp_path / 'bag', IDENTITY)
    assert again.records == [ROW, FrameRecord(1, 8, 9, 'dropped')]
    assert again.sessions == [{'sent': 2}] and again.resumed_at == 2
    assert np.array_equal(again.mask(0), labels)
    again.discard_mask(0)
    assert again.mask(0) is None


def test_a_torn_last_line_is_cut_off(tmp_path):
    """A run that was killed in the middle of a line loses that frame alone."""
    state = BagState(tmp_path, IDENTITY)
    state.append(ROW)
    with open(tmp_path / 'frames.jsonl', 'a') as stream:
        stream.write('{"index": 1, "stamp')
    again = BagState(tmp_path, IDENTITY)
    assert again.records == [ROW]
    again.append(ROW._replace(index=1))
    assert [record.index for record in BagState(tmp_path, IDENTITY).records] == [0, 1]


def test_a_damaged_line_is_refused(tmp_path):
    """Rather than skipped."""
    BagState(tmp_path, IDENTITY).append(ROW)
    (tmp_path / 'frames.jsonl').write_text('nonsense\n')
    with pytest.raises(OutputError, match='frames.jsonl is damaged.*--restart'):
        BagState(tmp_path, IDENTITY)


def test_another_run_is_not_resumed(tmp_path):
    """The sentence says what differs; restart replaces it."""
    BagState(tmp_path, IDENTITY).append(ROW)
    other = dict(IDENTITY, model='n')
    with pytest.raises(OutputError, match=r'other settings \(model: m there, n now\).*--restart'):
        BagState(tmp_path, other)
    assert BagState(tmp_path, other, restart=True).records == []
    assert BagState(tmp_path, other).records == []


def test_an_output_that_cannot_be_made(tmp_path):
    """A file is in the way of the folder."""
    (tmp_path / 'file').write_text('')
    with pytest.raises(OutputError, match='cannot write .*file/bag: Not a directory'):
        BagState(tmp_path / 'file' / 'bag', IDENTITY)


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path, repository):
    """A limit on the size of files stands for the full disk."""
    path = tmp_path / 'report.json'
    write_text(path, 'old')
    program = (
        'import resource\n'
        'from pathlib import Path\n'
        'from espnet_perception.errors import OutputError\n'
        'from espnet_perception.evaluation.state import write_text\n'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n'
        'try:\n'
        "    write_text(Path({!r}), 'new' * 1000)\n"
        'except OutputError as error:\n'
        '    print(error)\n').format(str(path))
    output = subprocess.run([sys.executable, '-c', program], cwd=repository, check=True,
                            capture_output=True, text=True).stdout
    assert 'cannot write {}: File too large; free some space'.format(path) in output
    assert path.read_text() == 'old'
    assert [file.name for file in tmp_path.iterdir()] == ['report.json']
