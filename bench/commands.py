#!/usr/bin/env python3
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure how long a command takes on one CPU thread, and print it beside its budget.

    python3 bench/commands.py
    python3 bench/commands.py --node          # from text to command over DDS as well

The stages are those of the node: the search for stop words (also in 10,000 words), reading,
completing. Then the same network once over the whole text and step by step, in turns in one run.
Percentiles of the wall clock, and beside them of the time that the thread had the processor: on a
busy machine the two are far apart.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, Dict, List, Sequence, Tuple

from espnet_perception.commands import grammar_file
from espnet_perception.commands.generation import generate
from espnet_perception.commands.vocabulary import WordList
from espnet_perception.engines.sequence_onnxruntime import OnnxRuntimeSequence
from espnet_perception.export.language import export_step, SCORES_OUTPUT, TOKEN_INPUT
from espnet_perception.pipeline import command_card
from espnet_perception.pipeline.commander import Commander, create_commander, network_of
from espnet_perception.settings import CommandNodeSettings
import numpy as np
import onnxruntime

NODE = 'from espnet_perception.nodes.command import main; main()'
LONG_WORDS = 10000
PERCENTILES = (50, 95, 99)
BUDGETS = {'stop': (99, 2.0), 'stop, 10,000 words': (99, 2.0), 'read': (95, 20.0),
           'complete': (95, 10.0), 'text to command over DDS': (95, 30.0)}
Times = List[Tuple[float, float]]


def timed(run: Callable[[], Any]) -> Tuple[float, float]:
    """Return wall clock and processor time of a call, in milliseconds."""
    wall, processor = time.perf_counter(), time.thread_time()
    run()
    return 1000 * (time.perf_counter() - wall), 1000 * (time.thread_time() - processor)


def report(name: str, times: Times) -> None:
    """Print a row."""
    wall, processor = (np.percentile(column, PERCENTILES) for column in zip(*times))
    place, budget = BUDGETS.get(name, (0, 0.0))
    print('{:<26} wall {}   processor {}   {}'.format(
        name, *(' '.join('p{} {:7.3f}'.format(*one) for one in zip(PERCENTILES, figures))
                for figures in (wall, processor)),
        'budget p{} {:g} ms'.format(place, budget) if budget else ''))


def stages(commander: Commander, texts: Sequence[str], long_texts: Sequence[str]) -> None:
    """Time the stages of the node on every text."""
    watch = commander.grammar.stop_watch()
    report('stop', [timed(lambda text=text: watch.find(text)) for text in texts])
    report('stop, 10,000 words', [timed(lambda text=text: watch.find(text))
                                  for text in long_texts])
    report('read', [timed(lambda text=text: commander.read(text)) for text in texts])
    begun = [text[:end] for text in texts[::10] for end in range(0, len(text), 3)]
    report('complete', [timed(lambda text=text: commander.complete(text)) for text in begun])


def forms(model: str, texts: Sequence[str]) -> None:
    """Time the network over whole texts against its steps; first make sure that they agree."""
    directory = command_card.find(model)
    card = command_card.load(directory)
    words, whole = WordList(card.words), OnnxRuntimeSequence(
        os.path.join(directory, command_card.GRAPH_FILE), 1)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'step.onnx')
        names = export_step(network_of(directory, card), path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        step = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    zero = {one.name: np.zeros(one.shape, np.float32) for one in step.get_inputs()
            if one.name != TOKEN_INPUT}

    def by_steps(ids: Sequence[int]) -> np.ndarray:
        state, rows = zero, []
        for token in ids:
            row, *after = step.run([SCORES_OUTPUT] + names.state_out, dict(
                state, **{TOKEN_INPUT: np.array([token], np.int64)}))
            state = dict(zip(names.state_in, after))
            rows.append(row[0])
        return np.stack(rows)

    times: Dict[str, Times] = {'whole text': [], 'step by step': []}
    for text in texts:
        ids = words.sequence(text.split())
        np.testing.assert_allclose(whole.run(ids), by_steps(ids), atol=1e-3)
        times['whole text'].append(timed(lambda ids=ids: whole.run(ids)))
        times['step by step'].append(timed(lambda ids=ids: by_steps(ids)))
    for name, measured in times.items():
        report(name, measured)
    medians = [np.median([one[1] for one in measured]) for measured in times.values()]
    print('the whole text at once takes {:.2f} of the steps'.format(medians[0] / medians[1]))


def node(texts: Sequence[str], rate_hz: float) -> None:
    """Time text to command over DDS, the node in a process of its own."""
    from espnet_msgs.msg import Command
    import rclpy
    from std_msgs.msg import String
    process = subprocess.Popen([sys.executable, '-c', NODE])
    rclpy.init()
    asking = rclpy.create_node('bench_commands')
    answers: List[Any] = []
    asking.create_subscription(Command, '/command/command', answers.append, 10)
    publisher = asking.create_publisher(String, '/command/text', 10)
    try:
        times: Times = []
        while publisher.get_subscription_count() == 0 or asking.count_publishers(
                '/command/command') == 0:
            rclpy.spin_once(asking, timeout_sec=0.1)
            if process.poll() is not None:
                raise RuntimeError('the node ended with status {}'.format(process.returncode))
        for number, text in enumerate(['hello'] * 20 + list(texts)):
            answers.clear()

            def ask(text: str = text) -> None:
                publisher.publish(String(data=text))
                ending = time.monotonic() + 5
                while not answers and time.monotonic() < ending:
                    rclpy.spin_once(asking, timeout_sec=0.05)
            both = timed(ask)
            if number >= 20 and answers:  # the first ones find each other
                times.append(both)
            time.sleep(1 / rate_hz)
        report('text to command over DDS', times)
        print('{} of {} answered'.format(len(times), len(texts)))
    finally:
        process.terminate()
        process.wait()
        asking.destroy_node()
        rclpy.try_shutdown()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--model', default=CommandNodeSettings().model)
    parser.add_argument('--count', type=int, default=500, help='texts')
    parser.add_argument('--seed', type=int, default=11)
    parser.add_argument('--node', action='store_true', help='measure the node over DDS')
    parser.add_argument('--rate', type=float, default=20.0, help='texts a second for the node')
    chosen = parser.parse_args()
    grammar = grammar_file.load()
    texts = [one.text for one in generate(grammar, chosen.count, chosen.seed)]
    rng, known = random.Random(chosen.seed), sorted(grammar.words())
    long_texts = [' '.join(rng.choice(known) + ending * (rng.random() < 0.5)
                           for _ in range(LONG_WORDS - 1)) + last
                  for ending in ('', 'ish') for last in (' done', ' stop') for _ in range(25)]
    commander = create_commander(chosen.model)
    for text in texts[:50]:
        commander.read(text)
    print('{} texts, {:.1f} words on average, model {}'.format(
        len(texts), np.mean([len(text.split()) for text in texts]), commander.card.name))
    stages(commander, texts, long_texts)
    forms(chosen.model, texts)
    if chosen.node:
        node(texts, chosen.rate)


if __name__ == '__main__':
    main()
