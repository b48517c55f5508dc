# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
A managed (lifecycle) node whose transitions never take it down.

rclpy of Humble swallows what a transition raises, and lets a transition that is not possible end
the whole process. Here the first is logged and answered, and the second is only answered.
"""

import threading
import traceback
from typing import Any, Callable

from espnet_perception.errors import PerceptionError
from espnet_perception.nodes import conversions
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNodeMixin, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

SUCCESS, FAILURE, ERROR = (TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE,
                           TransitionCallbackReturn.ERROR)


class ManagedNode(LifecycleNodeMixin, Node):
    """
    A node that fills in ``configure``, ``activate``, ``deactivate`` and ``release``.

    Each may raise PerceptionError to refuse with one sentence.

    :param name: name of the node.
    """

    def __init__(self, name: str) -> None:
        Node.__init__(self, name, automatically_declare_parameters_from_overrides=True)
        # What takes long has a group of its own: parameters, images and diagnostics do not wait.
        self.slow_group = MutuallyExclusiveCallbackGroup()
        self.slow_lock = threading.Lock()
        self.state = 'unconfigured'
        self.failure = ''
        LifecycleNodeMixin.__init__(self, callback_group=self.slow_group)
        self._guard_impossible_transitions()
        self._let_questions_through()

    def configure(self) -> None:
        """Take all that is needed to activate."""
        raise NotImplementedError

    def activate(self) -> None:
        """Start work; publishers are open already."""
        raise NotImplementedError

    def deactivate(self) -> None:
        """Stop work."""
        raise NotImplementedError

    def release(self) -> None:
        """Give back all that ``configure`` and ``activate`` took, as far as they got."""
        raise NotImplementedError

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure; a failure leaves the node unconfigured and alive."""
        return self._attempt('configure', self.configure, 'inactive', FAILURE)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate; a failure leaves the node inactive."""
        def open_and_activate() -> None:
            LifecycleNodeMixin.on_activate(self, state)
            self.activate()
        return self._attempt('activate', open_and_activate, 'active', FAILURE)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate; a failure releases everything."""
        def deactivate_and_close() -> None:
            self.deactivate()
            LifecycleNodeMixin.on_deactivate(self, state)
        return self._attempt('deactivate', deactivate_and_close, 'inactive', ERROR)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything; the node can be configured again."""
        return self._attempt('clean up', self.release, 'unconfigured', ERROR)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything for good."""
        return self._attempt('shut down', self.release, 'finalized', ERROR)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release what a failed transition left behind and go back to unconfigured."""
        failure = self.failure
        result = self._attempt('recover from an error', self.release, 'unconfigured', FAILURE)
        self.failure = self.failure or failure
        if result != SUCCESS:
            self.state = 'finalized'
        return result

    def finish(self, timeout_s: float) -> bool:
        """
        Shut down from outside the executor, at the end of the process.

        :param timeout_s: how long to wait for a transition or reload that is going on.
        :return: False where it did not end in time.
        """
        if not self.slow_lock.acquire(timeout=timeout_s):
            return False
        self.slow_lock.release()
        if self.state != 'finalized':
            self.trigger_shutdown()
        return True

    def _attempt(self, what: str, action: Callable[[], None], goal: str,
                 refusal: TransitionCallbackReturn) -> TransitionCallbackReturn:
        with self.slow_lock:
            try:
                action()
            except PerceptionError as error:
                self.failure = 'cannot {}: {}'.format(what, error)
                self.get_logger().error(self.failure)
                return refusal
            except Exception as error:
                self.failure = 'cannot {}: {!r}'.format(what, error)
                self.get_logger().error(self.failure + '\n' + traceback.format_exc())
                return ERROR
            self.failure, self.state = '', goal
            return SUCCESS

    def _let_questions_through(self) -> None:
        """Answer what the state is while a transition is going on, not after it."""
        for service in (self._service_get_state, self._service_get_available_states,
                        self._service_get_available_transitions,
                        self._service_get_transition_graph):  # not public either
            service.callback_group = self.default_callback_group
            self.default_callback_group.add_entity(service)

    def _guard_impossible_transitions(self) -> None:
        """Answer false to a transition that the present state does not allow."""
        service = self._service_change_state  # rclpy offers no public way to it
        change_state = service.callback

        def guarded(request: Any, response: Any) -> Any:
            try:
                return change_state(request, response)
            except Exception as error:  # RCLError is not public either
                self.get_logger().warning('no such transition while the node is {}: {}'.format(
                    self.state, str(error).split(', at')[0]))
                return conversions.refuse_transition(response)

        service.callback = guarded
