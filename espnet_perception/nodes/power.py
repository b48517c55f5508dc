# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The node ``power``: what the machine draws, how warm it is, and what a frame costs."""

import threading
from typing import Any, List, Optional

from diagnostic_msgs.msg import DiagnosticArray
from espnet_msgs.msg import PowerReading
from espnet_perception.errors import SensorError
from espnet_perception.nodes import conversions, qos
from espnet_perception.nodes.diagnostics import Task
from espnet_perception.nodes.power_diagnostics import PowerContext, TASKS
from espnet_perception.nodes.reporting_node import ReportingNode
from espnet_perception.nodes.running import run
from espnet_perception.settings import PowerNodeSettings
from espnet_perception.telemetry.clock import monotonic_ns
from espnet_perception.telemetry.energy import Energy, SECOND_NS
from espnet_perception.telemetry.frame_energy import FrameLedger
from espnet_perception.telemetry.health import examine, MachineHealth
from espnet_perception.telemetry.power import discover, Sensors
from espnet_perception.telemetry.recorder import PowerRecorder
from rclpy.clock import Clock, ClockType
from std_srvs.srv import Trigger

INACTIVE = 'nothing is measured: activate the node'


class PowerNode(ReportingNode):
    """Publishes rails, energy, temperatures and batteries of the machine that it runs on."""

    def __init__(self) -> None:
        ReportingNode.__init__(self, 'power', (PowerNodeSettings,))
        self._lock = threading.RLock()  # transitions run in a thread of their own
        self._sensors = Sensors()
        self._recorder: Optional[PowerRecorder] = None
        self._ledger = FrameLedger(self._window_ns)
        self._timer: Any = None
        self.create_service(Trigger, '~/reset_energy', self._on_reset_energy)
        self.create_service(Trigger, '~/measure_idle', self._on_measure_idle)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_others,
                                 qos.reliable(50))
        self.report_and_start()

    def tasks(self) -> List[Task]:
        """Return the rows of the diagnostics."""
        return [task(self.seen) for task in TASKS]

    def look(self, now_ns: int) -> PowerContext:
        """Return how the machine is over the period of the diagnostics."""
        with self._lock:
            health = self._examine(self.settings.diagnostics_period_s)
            failure = self._recorder.failure if health is not None else self.failure
            return PowerContext(self.state, failure, self.settings, self._sensors, health)

    def configure(self) -> None:
        """Look for sensors; a machine without any is told of, and is no failure."""
        self.refuse_wrong_parameters()
        settings = self.settings
        self._sensors = discover(settings.root)
        for sentence in self._sensors.sentences():
            self.get_logger().info(sentence)
        if self._sensors.no_power_sentence():
            self.get_logger().warning(self._sensors.no_power_sentence())
        keep_s = max(settings.energy_window_s, settings.publish_period_s,
                     settings.diagnostics_period_s)
        self._recorder = PowerRecorder(self._sensors, settings.rate_hz, 2 * keep_s)
        self.add_output('power', PowerReading)

    def activate(self) -> None:
        """Measure, and publish on the steady clock: power flows also while a simulation rests."""
        self._recorder.reset_energy()
        self._recorder.start()
        self._timer = self.create_timer(self.settings.publish_period_s, self._on_publish,
                                        clock=Clock(clock_type=ClockType.STEADY_TIME))

    def deactivate(self) -> None:
        """Stop measuring."""
        with self._lock:
            timer, self._timer = self._timer, None
            if timer is not None:
                self.destroy_timer(timer)
            if self._recorder is not None:
                self._recorder.stop()

    def release(self) -> None:
        """Stop measuring and forget the sensors."""
        self.deactivate()
        with self._lock:
            self._recorder, self._sensors = None, Sensors()
            self.remove_outputs()

    @property
    def _window_ns(self) -> int:
        return int(self.settings.energy_window_s * SECOND_NS)

    def _examine(self, window_s: float) -> Optional[MachineHealth]:
        """Return how the machine is; None where the node is not active."""
        if self._timer is None:
            return None
        return examine(self._sensors, self._recorder.report(int(window_s * SECOND_NS)),
                       self._ledger.report(monotonic_ns(), self._spent))

    def _spent(self, start_ns: int, end_ns: int) -> Optional[Energy]:
        """Return the energy of the machine, above idle if that is wished and known."""
        idle_mw = self._recorder.idle_mw if self.settings.subtract_idle else None
        energy = self._recorder.energy(start_ns, end_ns)
        return energy if energy is None or idle_mw is None else energy.above(idle_mw)

    def _on_others(self, message: DiagnosticArray) -> None:
        """Note how many frames the perception nodes of this machine have published."""
        now_ns = monotonic_ns()
        for node, frames in conversions.published_frames(message, self.hardware_id).items():
            self._ledger.note(node, now_ns, frames)

    def _on_publish(self) -> None:
        with self._lock:
            health = self._examine(self.settings.publish_period_s)
            if health is not None:
                self.send('power', conversions.to_power_reading(self.now_ns(), self.hardware_id,
                                                                health))

    def _on_reset_energy(self, _request: Any, response: Any) -> Any:
        with self._lock:
            if self._timer is None:
                return conversions.answer(response, False, INACTIVE)
            self._recorder.reset_energy()
            return conversions.answer(response, True, 'energy is counted from now on')

    def _on_measure_idle(self, _request: Any, response: Any) -> Any:
        with self._lock:
            if self._timer is None:
                return conversions.answer(response, False, INACTIVE)
            try:
                idle_mw = self._recorder.measure_idle(self._window_ns)
            except SensorError as error:
                return conversions.answer(response, False, str(error))
            return conversions.answer(response, True, 'idle power is {:.0f} mW'.format(idle_mw))


def main(args: Optional[List[str]] = None) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    :param args: command line, with --ros-args; None takes that of the process.
    :return: exit status.
    """
    return run(PowerNode, args)
