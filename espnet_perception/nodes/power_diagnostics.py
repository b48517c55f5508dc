# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""What the power node says in the diagnostics: power, energy per frame, temperature, battery."""

from typing import Any, NamedTuple, Optional

from espnet_perception.nodes.diagnostics import ERROR, OK, STALE, Status, Task, WARN
from espnet_perception.telemetry.health import MachineHealth
from espnet_perception.telemetry.power import Sensors

LONGEST_SILENCE_S = 2.0


class PowerContext(NamedTuple):
    """
    What the tasks may look at.

    :param state: label of the lifecycle state.
    :param failure: why the node could not be configured or activated, or what the recorder
        stumbled over; empty if all is well.
    :param settings: settings of the node.
    :param sensors: what was found.
    :param health: how the machine is; None where the node is not active.
    """

    state: str
    failure: str
    settings: Any
    sensors: Sensors
    health: Optional[MachineHealth]


class PowerTask(Task):
    """Power and energy of every rail, and what could not be found."""

    name = 'power'

    def run(self, status: Status) -> None:
        """Fill the status with rails, total, and the reasons of what is missing."""
        seen = self._context()
        if seen.failure:
            status.summary(ERROR, seen.failure)
        status.add('lifecycle state', seen.state)
        if seen.health is not None:
            self._judge(status, seen)
            self._fill(status, seen)
        elif not seen.failure:
            status.summary(OK, 'not active, so not measuring')
        for entry in seen.sensors.missing:
            status.add('not found: {}'.format(entry.what),
                       '{} ({})'.format(entry.reason, entry.where))

    def _judge(self, status: Status, seen: PowerContext) -> None:
        power, threshold_mw = seen.health.power, seen.settings.warn_power_mw
        nothing = seen.sensors.no_power_sentence()
        if nothing:
            status.summary(WARN, nothing)
        elif power.age_s > LONGEST_SILENCE_S:
            status.summary(STALE, 'no sample for {:.1f} s (threshold {:g} s): a sensor does not '
                           'answer'.format(power.age_s, LONGEST_SILENCE_S))
        elif power.total.power_mw is None:
            status.summary(OK, 'the total power is not known')
        else:
            status.summary(OK, 'total {:.0f} mW from {}'.format(power.total.power_mw,
                                                                ' + '.join(power.total_rails)))
            if 0 < threshold_mw < power.total.power_mw:
                status.summary(WARN, 'the total power is {:.0f} mW (threshold {:g} mW)'.format(
                    power.total.power_mw, threshold_mw))
        for rail in power.rails:
            if rail.problem:
                status.summary(WARN, 'rail {} has disappeared: {}'.format(rail.name, rail.problem))

    def _fill(self, status: Status, seen: PowerContext) -> None:
        power = seen.health.power
        for rail in power.rails + (power.total,):
            status.add('power {} (mW)'.format(rail.name), rail.power_mw)
            status.add('energy {} (mJ)'.format(rail.name), rail.energy_mj)
            if rail.jumps:
                status.add('jumps of the counter {}'.format(rail.name), rail.jumps)
        status.add('total is the sum of', ' + '.join(power.total_rails) or None)
        status.add('idle power (mW)', power.idle_mw)
        status.add('samples per second (Hz)', power.samples / (power.window_ns / 1e9))
        status.add('power mode', seen.health.mode or None)
        for name, gpu in seen.health.gpus.items():
            status.add('load {} (%)'.format(name), gpu.load_percent)
            status.add('clock {} (MHz)'.format(name), gpu.clock_mhz)


class FrameEnergyTask(Task):
    """What a frame of each perception node costs the machine."""

    name = 'energy per frame'

    def run(self, status: Status) -> None:
        """Fill the status with millijoules per frame of every node."""
        seen = self._context()
        costs = seen.health.frame_energies if seen.health is not None else []
        known = [cost for cost in costs if cost.energy_per_frame_mj is not None]
        for cost in known:
            status.summary(OK, '{} {:.1f} mJ{}'.format(
                cost.node, cost.energy_per_frame_mj,
                '' if cost.idle_mw is None else ' above idle'))
        if not known:
            status.summary(OK, 'no perception node of this machine reports frames' if not costs
                           else 'no frames, or no power, in the window')
        for cost in costs:
            status.add('energy per frame {} (mJ)'.format(cost.node), cost.energy_per_frame_mj)
            status.add('frames in window {}'.format(cost.node), cost.frames)
            status.add('window {} (s)'.format(cost.node), cost.window_s)
            status.add('subtracted idle power {} (mW)'.format(cost.node), cost.idle_mw)


class TemperatureTask(Task):
    """Temperatures, the highest first of all."""

    name = 'temperature'

    def run(self, status: Status) -> None:
        """Fill the status with all temperatures, and warn of those that are too high."""
        seen = self._context()
        temperatures = seen.health.temperatures if seen.health is not None else {}
        known = {name: value for name, value in temperatures.items() if value is not None}
        threshold_c = seen.settings.warn_temperature_c
        if known:
            hottest = max(known, key=lambda name: known[name])
            status.summary(OK, 'at most {:.1f} C at {}'.format(known[hottest], hottest))
        else:
            status.summary(OK, 'no temperature is known')
        hot = ['{} {:.1f} C'.format(name, value) for name, value in known.items()
               if 0 < threshold_c < value]
        if hot:
            status.summary(WARN, '{} (threshold {:g} C)'.format(', '.join(hot), threshold_c))
        for name, value in known.items():
            status.add('temperature {} (C)'.format(name), value)


class BatteryTask(Task):
    """Charge, power and remaining time of every battery."""

    name = 'battery'

    def run(self, status: Status) -> None:
        """Fill the status with every battery, and warn of one that is nearly empty."""
        seen = self._context()
        batteries = seen.health.batteries if seen.health is not None else {}
        threshold = seen.settings.warn_battery_percent
        for name, battery in batteries.items():
            if not battery.status:
                status.summary(WARN, '{} has disappeared'.format(name))
                continue
            charge = '' if battery.percent is None else ' {:.0f} %'.format(battery.percent)
            status.summary(OK, '{} {}{}'.format(name, battery.status.lower(), charge))
            if battery.discharging and battery.percent is not None \
                    and battery.percent < threshold:
                status.summary(WARN, '{} is at {:.0f} % (threshold {:g} %){}'.format(
                    name, battery.percent, threshold, _left(battery.remaining_s)))
            status.add('state {}'.format(name), battery.status)
            status.add('charge {} (%)'.format(name), battery.percent)
            status.add('power {} (mW)'.format(name), battery.power_mw)
            status.add('remaining time {} (s)'.format(name), battery.remaining_s)
        if not batteries:
            status.summary(OK, 'no battery')


def _left(remaining_s: Optional[float]) -> str:
    """Return how long a battery lasts, as the end of a sentence."""
    return '' if remaining_s is None else ', {:.0f} min left'.format(remaining_s / 60)


TASKS = (PowerTask, FrameEnergyTask, TemperatureTask, BatteryTask)
