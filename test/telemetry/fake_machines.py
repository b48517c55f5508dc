# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Folders that look like /sys of machines that nobody has at hand."""

JETPACK4 = 'bus/i2c/drivers/ina3221x'
JETPACK5 = 'bus/i2c/devices'
POWERCAP = 'class/powercap'
BATTERY = 'class/power_supply/BAT0'


def write(root, path, value):
    """Write one attribute, as the kernel does with a newline at its end."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('{}\n'.format(value))


def iio_chip(root, address, rails):
    """Add an INA3221 with NVIDIA's driver; rails are (name, milliwatts)."""
    for number, (name, power_mw) in enumerate(rails):
        folder = '{}/{}/iio:device{}'.format(JETPACK4, address, address[-1])
        write(root, '{}/rail_name_{}'.format(folder, number), name)
        write(root, '{}/in_power{}_input'.format(folder, number), power_mw)
        write(root, '{}/in_voltage{}_input'.format(folder, number), 19072)
        write(root, '{}/in_current{}_input'.format(folder, number), 160)


def hwmon_chip(root, address, rails, number=3):
    """Add an INA3221 with the mainline driver; rails are (name, millivolts, milliamperes)."""
    folder = '{}/{}/hwmon/hwmon{}'.format(JETPACK5, address, number)
    write(root, folder + '/name', 'ina3221')
    for channel, (name, millivolts, milliamperes) in enumerate(rails, 1):
        write(root, '{}/in{}_label'.format(folder, channel), name)
        write(root, '{}/in{}_input'.format(folder, channel), millivolts)
        write(root, '{}/curr{}_input'.format(folder, channel), milliamperes)
    write(root, folder + '/in7_label', 'sum of shunt voltages')
    write(root, folder + '/in7_input', 11)


def zones(root, *temperatures):
    """Add thermal zones; each is (name, millidegrees)."""
    for number, (name, millidegrees) in enumerate(temperatures):
        write(root, 'class/thermal/thermal_zone{}/type'.format(number), name)
        write(root, 'class/thermal/thermal_zone{}/temp'.format(number), millidegrees)


def tx2(root):
    """Jetson TX2 with JetPack 4: two chips, GPU, thermal zones."""
    iio_chip(root, '0-0040', (('VDD_SYS_GPU', 1147), ('VDD_SYS_SOC', 991), ('VDD_4V0_WIFI', 19)))
    iio_chip(root, '0-0041', (('VDD_IN', 5389), ('VDD_SYS_CPU', 1373), ('VDD_SYS_DDR', 1107)))
    write(root, 'devices/gpu.0/load', 487)
    write(root, 'devices/17000000.gp10b/devfreq/17000000.gp10b/cur_freq', 1134750000)
    zones(root, ('BCPU-therm', 41500), ('PMIC-Die', 100000), ('GPU-therm', 39000))


def xavier_nx(root):
    """Jetson Xavier NX with JetPack 5: one chip."""
    hwmon_chip(root, '7-0040', (('VDD_IN', 4960, 1224), ('VDD_CPU_GPU_CV', 4952, 333),
                                ('VDD_SOC', 4952, 267)))
    write(root, 'devices/gpu.0/load', 1000)
    write(root, 'class/devfreq/17000000.gv11b/cur_freq', 114750000)
    zones(root, ('CPU-therm', 38000), ('CV-therm', -256000))


def orin(root):
    """Jetson AGX Orin with JetPack 6: two chips, no rail for the whole module."""
    hwmon_chip(root, '1-0040', (('VDD_GPU_SOC', 19088, 186), ('VDD_CPU_CV', 19088, 42),
                                ('VIN_SYS_5V0', 5016, 783)), 3)
    hwmon_chip(root, '1-0041', (('NC', 0, 0), ('VDDQ_VDD2_1V8AO', 19104, 34), ('NC', 0, 0)), 4)
    write(root, 'devices/platform/bus@0/17000000.gpu/load', 125)
    zones(root, ('cpu-thermal', 47906))


def laptop(root, status='Discharging'):
    """Return nothing; a laptop with one battery and RAPL, and a mouse with a battery."""
    write(root, BATTERY + '/type', 'Battery')
    write(root, BATTERY + '/status', status)
    write(root, BATTERY + '/power_now', 12345000)
    write(root, BATTERY + '/energy_now', 41150000)
    write(root, BATTERY + '/capacity', 83)
    write(root, 'class/power_supply/AC/type', 'Mains')
    write(root, 'class/power_supply/hidpp_battery_0/type', 'Battery')
    write(root, 'class/power_supply/hidpp_battery_0/scope', 'Device')
    write(root, 'class/power_supply/hidpp_battery_0/status', 'Discharging')
    rapl(root, 'intel-rapl:0', 'package-0', 1000000)
    rapl(root, 'intel-rapl:0:0', 'core', 400000)
    rapl(root, 'intel-rapl-mmio:0', 'package-0', 999000)
    write(root, 'class/powercap/intel-rapl/enabled', 1)
    zones(root, ('x86_pkg_temp', 61000))


def rapl(root, zone, name, energy_uj, wrap_uj=262143328850):
    """Add a counter."""
    write(root, '{}/{}/name'.format(POWERCAP, zone), name)
    write(root, '{}/{}/energy_uj'.format(POWERCAP, zone), energy_uj)
    write(root, '{}/{}/max_energy_range_uj'.format(POWERCAP, zone), wrap_uj)


def desktop(root):
    """Make /sys of a desktop that tells nothing."""
    (root / 'class/powercap').mkdir(parents=True)
    (root / 'class/power_supply').mkdir(parents=True)
