# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a replay has found so far, kept on disk frame by frame, so that it can be resumed.

One folder for each bag: ``run.json`` (what is replayed, and how), ``frames.jsonl`` (one line
for each frame, in order), ``sessions.jsonl`` (what the live node counted), ``power.jsonl`` (what
the machine drew) and ``masks/`` (the label images that the report needs, or all of them).
"""

from contextlib import contextmanager
import json
from pathlib import Path
import shutil
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

import cv2
from espnet_perception.errors import OutputError
from espnet_perception.evaluation.answers import Answer
from espnet_perception.evaluation.power_trace import PowerRow
from espnet_perception.whole_files import whole_file
import numpy as np

IDENTITY_FILE, FRAMES_FILE, SESSIONS_FILE = 'run.json', 'frames.jsonl', 'sessions.jsonl'
POWER_FILE = 'power.jsonl'
MASKS_FOLDER, CHUNKS_FOLDER = 'masks', 'chunks'


class FrameRecord(NamedTuple):
    """
    What became of one frame.

    :param index: position of the frame in its topic.
    :param stamp_ns: the camera's stamp, nanoseconds.
    :param recorded_ns: time at which it was recorded, nanoseconds.
    :param status: answered, dropped or rejected.
    :param reason: why it was rejected; empty otherwise.
    :param confidence: mean confidence 0..1, or None.
    :param crc32: checksum of the whole answer, or None.
    :param times_ns: stage name to nanoseconds.
    :param cells: confusion matrix of a label image as [true, predicted, pixels] rows; None where
        it has no ground truth.
    :param ids: classes of the frame, best first, the likely ones and some more; None unless a
        classifier answered.
    :param scores: their probabilities.
    :param truth_ids: true classes of the frame; None where it has no such ground truth.
    """

    index: int
    stamp_ns: int
    recorded_ns: int
    status: str
    reason: str = ''
    confidence: Optional[float] = None
    crc32: Optional[int] = None
    times_ns: Dict[str, int] = {}
    cells: Optional[List[List[int]]] = None
    ids: Optional[List[int]] = None
    scores: Optional[List[float]] = None
    truth_ids: Optional[List[int]] = None

    @property
    def has_truth(self) -> bool:
        """Whether the frame was compared with a ground truth."""
        return self.cells is not None or self.truth_ids is not None


def record_of(answer: Answer) -> FrameRecord:
    """
    Begin the record of a frame with what every task keeps.

    :param answer: what became of the frame.
    """
    return FrameRecord(answer.index, answer.stamp_ns, answer.recorded_ns, answer.status,
                       answer.reason, answer.confidence, times_ns=answer.times_ns)


class BagState:
    """
    The folder of one bag in the output.

    :param folder: path of the folder; made where it is missing.
    :param identity: what is replayed and how; a run with another identity is not resumed.
    :param restart: throw away what an earlier run left.
    :raises OutputError: not writable, or it holds a run with another identity.
    """

    def __init__(self, folder: Path, identity: Dict[str, Any], restart: bool = False) -> None:
        self.folder = folder
        if restart:
            _forget(folder)
        with writing(folder):
            (folder / MASKS_FOLDER).mkdir(parents=True, exist_ok=True)
        self._check_identity(json.loads(json.dumps(identity)))
        self.records = [FrameRecord(**values) for values in _read_lines(folder / FRAMES_FILE)]
        self.sessions = _read_lines(folder / SESSIONS_FILE)
        self.power = [PowerRow(**values) for values in _read_lines(folder / POWER_FILE)]
        self.resumed_at = len(self.records)
        self._rewrite()

    def append(self, record: FrameRecord) -> None:
        """
        Note a frame; it is on disk when this returns.

        :raises OutputError: it cannot be written.
        """
        self._append_lines(FRAMES_FILE, [record._asdict()])
        self.records.append(record)

    def append_session(self, session: Dict[str, Any]) -> None:
        """
        Note what a live node counted in one run of the command.

        :raises OutputError: it cannot be written.
        """
        self._append_lines(SESSIONS_FILE, [session])
        self.sessions.append(session)

    def append_power(self, rows: Sequence[PowerRow]) -> None:
        """
        Note what the machine drew for the frames so far.

        :raises OutputError: it cannot be written.
        """
        if rows:
            self._append_lines(POWER_FILE, [row._asdict() for row in rows])
            self.power.extend(rows)

    def save_mask(self, index: int, labels: np.ndarray) -> None:
        """
        Keep a label image.

        :param index: position of its frame.
        :param labels: (H, W) uint8 class ids of the model.
        :raises OutputError: it cannot be written.
        """
        write_image(self.mask_path(index), labels)

    def discard_mask(self, index: int) -> None:
        """Forget a label image that was kept."""
        self.mask_path(index).unlink(missing_ok=True)

    def mask(self, index: int) -> Optional[np.ndarray]:
        """Return a label image that was kept, (H, W) uint8, or None."""
        return cv2.imread(str(self.mask_path(index)), cv2.IMREAD_UNCHANGED)

    def mask_path(self, index: int) -> Path:
        """Return where the label image of a frame is kept."""
        return self.folder / MASKS_FOLDER / '{:06d}.png'.format(index)

    def _append_lines(self, name: str, rows: Sequence[Dict[str, Any]]) -> None:
        path = self.folder / name
        with writing(path), open(path, 'a', encoding='utf-8') as stream:
            stream.write(_lines(rows))

    def _rewrite(self) -> None:
        """Cut off the line that an interrupted run may have left unfinished."""
        for name, rows in ((FRAMES_FILE, [record._asdict() for record in self.records]),
                           (SESSIONS_FILE, self.sessions),
                           (POWER_FILE, [row._asdict() for row in self.power])):
            write_text(self.folder / name, _lines(rows))

    def _check_identity(self, identity: Dict[str, Any]) -> None:
        path = self.folder / IDENTITY_FILE
        earlier = _read_json(path)
        if earlier is None:
            write_text(path, json.dumps(identity, indent=2))
            return
        different = sorted(key for key in {*earlier, *identity}
                           if earlier.get(key) != identity.get(key))
        if different:
            raise OutputError('{} holds a replay with other settings ({}); choose another '
                              '--output, or --restart to replace it'.format(
                                  self.folder, '; '.join('{}: {} there, {} now'.format(
                                      key, earlier.get(key), identity.get(key))
                                      for key in different)))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """
    Turn the operating system's refusal to write into one sentence.

    :param path: what is being written.
    :raises OutputError: no space, no permission, or something in the way.
    """
    try:
        yield
    except OSError as error:
        raise OutputError('cannot write {}: {}; free some space or choose another output folder'
                          .format(path, error.strerror or error))


def write_text(path: Path, text: str) -> None:
    """
    Write a text file so that it is either old or new, never half.

    :raises OutputError: it cannot be written.
    """
    _write_whole(path, text.encode('utf-8'))


def write_image(path: Path, image: np.ndarray) -> None:
    """
    Write an image file so that it is either old or new, never half.

    :param path: where; its suffix chooses the format.
    :param image: (H, W) or (H, W, 3) uint8, blue first.
    :raises OutputError: it cannot be written.
    """
    _, coded = cv2.imencode(path.suffix, image)
    _write_whole(path, coded.tobytes())


def _write_whole(path: Path, content: bytes) -> None:
    with writing(path), whole_file(str(path)) as part:
        Path(part).write_bytes(content)


def _forget(folder: Path) -> None:
    with writing(folder):
        for name in (IDENTITY_FILE, FRAMES_FILE, SESSIONS_FILE, POWER_FILE):
            (folder / name).unlink(missing_ok=True)
        for name in (MASKS_FOLDER, CHUNKS_FOLDER):
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)


def _read_json(path: Path) -> Optional[Dict[str, Any]]:
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None


def _lines(rows: Sequence[Dict[str, Any]]) -> str:
    return ''.join(json.dumps(row, separators=(',', ':')) + '\n' for row in rows)


def _read_lines(path: Path) -> List[Dict[str, Any]]:
    """Return the whole lines of a file; a torn last one is left out."""
    rows = []
    try:
        with open(path, encoding='utf-8') as stream:
            for line in stream:
                if not line.endswith('\n'):
                    break
                rows.append(json.loads(line))
    except FileNotFoundError:
        pass
    except (ValueError, OSError) as error:
        raise OutputError('{} is damaged ({}); use --restart to begin anew'.format(path, error))
    return rows
