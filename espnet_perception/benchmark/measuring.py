# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The process that measures one configuration: it opens the engine and runs it when told to.

One request a line on the standard input, one answer a line on the standard output, both JSON. It
ends with its input. ``processes.py`` is the other end.
"""

import json
import os
import sys
from typing import Any, Dict, List

from espnet_perception.errors import ImageError, PerceptionError
from espnet_perception.telemetry.clock import monotonic_ns
from espnet_perception.telemetry.hardware import read_text
from espnet_perception.user_folders import cache_folder

STATUS, KILOBYTE = '/proc/self/status', 1024
CACHES = ('onnx', 'tensorrt')


class Measuring:
    """One configuration: opened once, run in turns."""

    def __init__(self) -> None:
        self._engine = None  # type: Optional[Any]
        self._image_bgr = None  # type: Optional[Any]

    def prepare(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """
        Open the engine and warm it up.

        :param request: the fields of a Configuration, and confidence, device, image, warm_up, and
            as ``classes`` the file for the classes that it finds.
        :return: facts of the engine, seconds that opening took, what the engine gives, and
            whether this process also made the file that the engine reads.
        :raises PerceptionError: model, engine or image cannot be used.
        """
        from espnet_perception.engines import EngineOptions
        from espnet_perception.pipeline.agreement import classes
        from espnet_perception.pipeline.models import find_model, open_engine
        import numpy as np
        start_ns, cached = monotonic_ns(), _cached()
        model = find_model(request['model'])
        card = model.card
        product = 'logits'
        if card.task == 'segmentation':
            product = 'labels+confidence' if request['confidence'] else 'labels'
        options = EngineOptions(request['width'], request['height'], product, request['threads'],
                                request['device'], card.input_type, request['precision'])
        self._engine = open_engine(model, request['engine'], options, '')
        self._image_bgr = _image(request['image'], card, (request['height'], request['width']))
        opened_ns = monotonic_ns()
        found = classes(self._engine.infer(self._image_bgr))
        for _ in range(request['warm_up'] - 1):
            self._engine.infer(self._image_bgr)
        with open(request['classes'], 'wb') as stream:
            np.save(stream, np.asarray(found))
        return {'facts': self._engine.describe(), 'open_s': (opened_ns - start_ns) / 1e9,
                'product': product, 'prepared': cached != _cached()}

    def turn(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """
        Run the engine a few times, after one run that is not timed.

        Others ran since the last turn, so that caches hold what is theirs.

        :param request: ``iterations`` at least, and for at least ``least_s`` seconds.
        :return: duration of each run, and the stamps of the monotonic clock around all of them.
        :raises PerceptionError: the engine fails.
        """
        self._engine.infer(self._image_bgr)
        durations_ns = []
        start_ns = now_ns = monotonic_ns()
        end_ns = start_ns + int(1e9 * request['least_s'])
        while len(durations_ns) < request['iterations'] or now_ns < end_ns:
            begun_ns = now_ns
            self._engine.infer(self._image_bgr)
            now_ns = monotonic_ns()
            durations_ns.append(now_ns - begun_ns)
        return {'start_ns': start_ns, 'end_ns': now_ns, 'durations_ns': durations_ns,
                'peak_bytes': peak_bytes()}


def peak_bytes() -> int:
    """Return the most resident memory that this program has had; 0 where nobody tells."""
    # ru_maxrss would also count what the parent had when it started this process.
    for line in (read_text(STATUS) or '').splitlines():
        if line.startswith('VmHWM:'):
            return int(line.split()[1]) * KILOBYTE
    return 0


def _cached() -> List[float]:
    """Return when files last came to the folders of exported graphs and built engines."""
    folders = [cache_folder(kind) for kind in CACHES]
    return [os.stat(folder).st_mtime if os.path.isdir(folder) else 0.0 for folder in folders]


def _image(path: str, card: Any, size: tuple) -> Any:
    """Return the image at the network's size and of its type; noise without a file."""
    import numpy as np
    if not path:
        noise = np.random.RandomState(0).randint(0, 256, (size[0], size[1], 3))
        return noise.astype(card.input_type)
    import cv2
    from espnet_perception.pipeline.preprocess import fitter
    image_bgr = cv2.imread(path)
    if image_bgr is None:
        raise ImageError('{} is no image that can be read; give a PNG or JPEG file'.format(path))
    return fitter(card.resize, card.crop_ratio)(image_bgr, size)


def main() -> None:
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # runtimes that print must not disturb the answers
    measuring = Measuring()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(measuring, request['do'])(request)
        except PerceptionError as error:
            answer = {'error': str(error)}
        answers.write(json.dumps(answer) + '\n')
        answers.flush()


if __name__ == '__main__':
    main()
