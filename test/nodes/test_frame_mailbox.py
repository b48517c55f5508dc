# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The newest frame wins, nobody waits for the worker, and nothing is lost uncounted."""

import threading

from espnet_perception.errors import PerceptionError
from espnet_perception.nodes.frame_mailbox import Mailbox, Worker
import pytest

DEADLINE_S = 20.0


def test_the_newest_item_wins_and_the_loss_is_told():
    mailbox = Mailbox()
    assert [mailbox.put('first'), mailbox.put('second')] == [False, True]
    assert mailbox.take() == 'second'
    assert mailbox.put('third') is False


def test_take_waits_for_an_item():
    mailbox, taken = Mailbox(), []
    thread = threading.Thread(target=lambda: taken.append(mailbox.take()))
    thread.start()
    mailbox.put('late')
    thread.join(DEADLINE_S)
    assert taken == ['late']


def test_close_wakes_who_waits_and_counts_what_is_left():
    mailbox, taken = Mailbox(), []
    thread = threading.Thread(target=lambda: taken.append(mailbox.take()))
    thread.start()
    assert mailbox.close() == 0
    thread.join(DEADLINE_S)
    assert taken == [None]
    full = Mailbox()
    full.put('left')
    assert full.close() == 1
    assert full.take() is None


def test_a_worker_that_is_behind_handles_only_the_newest():
    started, go_on, handled = threading.Event(), threading.Event(), []

    def handle(item):
        started.set()
        go_on.wait(DEADLINE_S)
        handled.append(item)

    worker = Worker('test', handle)
    worker.start()
    worker.mailbox.put(0)
    assert started.wait(DEADLINE_S)
    dropped = sum(worker.mailbox.put(item) for item in range(1, 6))
    go_on.set()
    dropped += worker.stop()
    assert handled[0] == 0
    assert len(handled) + dropped == 6
    assert handled in ([0], [0, 5])


def test_a_worker_that_hangs_is_reported():
    started, go_on = threading.Event(), threading.Event()

    def hang(_item):
        started.set()
        go_on.wait(DEADLINE_S)

    worker = Worker('test', hang)
    worker.start()
    worker.mailbox.put(1)
    assert started.wait(DEADLINE_S)
    with pytest.raises(PerceptionError, match='not finished within 0.01 s'):
        worker.stop(0.01)
    go_on.set()
