# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""
The stand-in of TensorRT has the names and parameters of the real library.

tensorrt_names.json was read from the real ones: from the documentation strings of 8.5.3.1, which
knows both interfaces, and from the names in the binding libraries of 10.3.0 and 11.4.0 (where a
linker lets set_output_type share the end of reset_output_type).
"""

import inspect
import json
from pathlib import Path
import re

import pytest
import tensorrt_double

RECORD = json.loads((Path(__file__).parent / 'tensorrt_names.json').read_text())
CLASSES = RECORD['classes']
SIGNATURE = re.compile(r'^\w+\((?P<parameters>.*)\)(?: -> .*)?$')
BUILT_IN = ('__init__', '__bytes__')  # IHostMemory has the buffer protocol
ENUMERATIONS = ('BuilderFlag', 'DataType', 'LayerType', 'MemoryPoolType',
                'NetworkDefinitionCreationFlag', 'TensorIOMode')
GONE = {'10.3.0': {'execute_async_v2', 'num_bindings', 'get_binding_name', 'binding_is_input',
                   'get_binding_shape', 'get_binding_dtype', 'max_workspace_size'}}


def recorded_parameters(signature):
    """Return (name, has a default) of each parameter of a recorded signature but self."""
    text = SIGNATURE.match(signature).group('parameters')
    return [(part.split(':')[0].strip(), '=' in part) for part in text.split(', ')
            if part and not part.startswith('self')]


def doubled(version):
    """Return the stand-in of a version, and (class name, attribute, value) of what it offers."""
    double = tensorrt_double.make_tensorrt(version, None)
    offered = []
    for name in CLASSES:
        offered += [(name, attribute, value) for attribute, value in vars(
            getattr(double, name)).items() if not attribute.startswith('_')
            or attribute in ('__init__',)]
    return double, offered


@pytest.mark.parametrize('version', ['8.2.1.8', '8.5.3.1', '10.3.0'])
def test_the_double_offers_only_what_there_is(version):
    """Every class, method, parameter and member of an enumeration."""
    _double, offered = doubled(version)
    assert len(offered) > 40
    for name, attribute, value in offered:
        if name in ENUMERATIONS or attribute not in BUILT_IN and not (
                name == 'ILogger' and attribute.isupper()):
            assert attribute in CLASSES[name], (name, attribute)
        if inspect.isfunction(value) and attribute in CLASSES[name]:
            found = [(one.name, one.default is not one.empty) for one
                     in list(inspect.signature(value).parameters.values())[1:]]
            assert found == recorded_parameters(CLASSES[name][attribute]), (name, attribute)


def test_the_calibrator_answers_what_the_real_library_asks(tensorrt):
    """The double does not call by name what the real one would; so names and parameters count."""
    from espnet_perception.engines.tensorrt_calibration import EntropyCalibrator
    asked = {name: signature for name, signature in CLASSES['IInt8EntropyCalibrator2'].items()
             if name != '__init__'}
    assert len(asked) == 4
    for name, signature in asked.items():
        found = list(inspect.signature(vars(EntropyCalibrator)[name]).parameters)[1:]
        assert found == [one for one, _ in recorded_parameters(signature)], name


def test_the_generations_differ_as_the_real_ones():
    """What 10 has no more, the stand-in of 10 has not; and it has what 10 has."""
    has = set(RECORD['others']['10.3.0']['has'])
    _double, offered = doubled('10.3.0')
    names = {attribute for _, attribute, value in offered if inspect.isfunction(value)}
    assert not GONE['10.3.0'] & has and not GONE['10.3.0'] & names
    long_names = {name for name in names if len(name) > 11}  # short ones share their bytes
    assert long_names <= has and len(long_names) > 10
    assert 'FP16' in has and 'FP16' not in RECORD['others']['11.4.0.106']['has']


def test_the_record_is_that_of_the_real_library():
    """Where TensorRT 8.5 is installed (it imports without a GPU), it is asked itself."""
    tensorrt = pytest.importorskip('tensorrt')
    if not tensorrt.__version__.startswith('8.5.3'):
        pytest.skip('the record is of 8.5.3, here is ' + tensorrt.__version__)
    for name, attributes in CLASSES.items():
        for attribute, recorded in attributes.items():
            real = getattr(getattr(tensorrt, name), attribute)
            if '(' in recorded:
                assert recorded in real.__doc__, (name, attribute)
            else:
                assert type(real).__name__ == recorded, (name, attribute)
