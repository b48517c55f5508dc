# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The command around the weights."""

from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
import threading
import time

from espnet_perception.cli.main import main
from espnet_perception.weights.catalogue import CATALOGUE
import pytest

NAME = 'espnetv2_s_0.5_city_512x256'


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Folders of a user who has nothing yet; no proxy, no mirror."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path / 'share'))
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    for name in ('ESPNET_PERCEPTION_MODELS', 'ESPNET_PERCEPTION_MIRROR'):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def released(shared_dir):
    """Path of a released file."""
    return str(shared_dir / 'reference/checkpoints/edgenets' / (NAME + '.pth'))


@pytest.fixture
def mirror(released, tmp_path):
    """Address of a server that has one genuine file and a wrong one."""
    folder = tmp_path / 'mirror'
    folder.mkdir()
    shutil.copy(released, folder / (NAME + '.pth'))
    (folder / 'espnet_p_2_q_8.pth').write_bytes(b'log in first')

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_arguments):
            pass
    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.02},
                                  daemon=True)
        thread.start()
        yield f'http://127.0.0.1:{server.server_address[1]}'
        server.shutdown()
        thread.join()


def test_the_table_has_a_line_for_every_file(capsys):
    """None is wider than a usual screen."""
    assert main(['weights', 'list']) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [line.split()[0] for line in lines[:-1] if line]
    assert heads == ['segmentation', *list(CATALOGUE)[:26], 'classification',
                     *list(CATALOGUE)[26:]]
    assert max(map(len, lines)) <= 120


def test_one_task(capsys):
    """The five classifiers."""
    main(['weights', 'list', '--task', 'classification', '--json'])
    rows = json.loads(capsys.readouterr().out)
    assert [row['reported']['top-1'] for row in rows] == [57.68, 66.09, 67.95, 69.17, 72.06]


def test_everything_is_in_the_json_and_the_blocks(capsys):
    """Address, sum, licence, size, and where it lies."""
    main(['weights', 'list', '--json'])
    row = {row['name']: row for row in json.loads(capsys.readouterr().out)}[NAME]
    main(['weights', 'list', '--long'])
    block = capsys.readouterr().out.split(NAME + '\n')[1].split('\n\n')[0]
    for key in ('task', 'network', 'dataset', 'licence', 'url', 'sha256'):
        assert row[key] and row[key] in block, key
    assert (row['size_bytes'], row['classes'], row['path']) == (469319, 20, None)
    assert '469,319' in block and 'mIoU 47.3 (val)' in block


def test_fetch_then_use_by_name(mirror, released, home, capsys):
    """Fetched, listed as present, shown by info, found in order; not fetched twice."""
    path = home / 'cache/espnet_perception/weights' / (NAME + '.pth')
    assert main(['weights', 'fetch', NAME, '--mirror', mirror]) == 0
    assert capsys.readouterr().out == f'{path} fetched and checked; use it as model:={NAME}\n'
    assert path.read_bytes() == Path(released).read_bytes()
    main(['weights', 'list', '--json'])
    rows = {row['name']: row['path'] for row in json.loads(capsys.readouterr().out)}
    assert rows[NAME] == str(path) and set(rows.values()) == {str(path), None}
    assert main(['info', NAME]) == 0
    assert 'parameters         80,342\n' in capsys.readouterr().out
    assert main(['weights', 'verify', NAME]) == 0
    assert f'ok       {NAME}: as released' in capsys.readouterr().out
    assert main(['weights', 'fetch', NAME, '--mirror', '/nowhere']) == 1
    assert main(['weights', 'fetch', NAME, '--mirror', mirror]) == 0
    assert 'was there and is genuine' in capsys.readouterr().out


def test_the_mirror_of_the_environment_and_another_folder(mirror, home, monkeypatch, capsys):
    """What lies elsewhere is used by its path."""
    monkeypatch.setenv('ESPNET_PERCEPTION_MIRROR', mirror)
    folder = home / 'elsewhere'
    assert main(['weights', 'fetch', NAME, '--cache', str(folder)]) == 0
    assert capsys.readouterr().out.endswith(f'use it as model:={folder}/{NAME}.pth\n')


def test_several_of_which_some_fail(mirror, home, capsys):
    """One sentence for each that failed, the others are there, status 1."""
    names = ['espnet_p_2_q_8', 'espnet_p_2_q_3', NAME]
    assert main(['weights', 'fetch', *names, '--mirror', mirror]) == 1
    output = capsys.readouterr()
    assert output.out.count('fetched and checked') == 1
    assert 'what came for espnet_p_2_q_8 is not the released file' in output.err
    assert '2 of 3 were not fetched: espnet_p_2_q_8, espnet_p_2_q_3\n' in output.err
    assert sorted(os.listdir(home / 'cache/espnet_perception/weights')) == [
        'espnet_p_2_q_8.pth.mismatch', NAME + '.pth']


@pytest.mark.parametrize('arguments, sentence', [
    (['fetch'], 'give the names of what to fetch, or --all'),
    (['fetch', NAME, '--all'], 'give the names of what to fetch, or --all'),
    (['fetch', 'espnet_p_2_q_9'], "did you mean 'espnet_p_2_q_8'?"),
    (['fetch', NAME, '--mirror', 'ftp://x'], "mirror 'ftp://x' is no address of http"),
    (['import', '/nowhere.pth'], 'cannot read /nowhere.pth'),
    (['import', 'x.pth', '--size', '640'], "--size is '640', expected WIDTHxHEIGHT"),
    (['import', 'x.pth', '--label-set', 'citiscapes'], "did you mean 'cityscapes'?"),
])
def test_wrong_input_is_one_sentence(arguments, sentence, capsys):
    """On stderr, with status 1."""
    assert main(['weights', *arguments]) == 1
    output = capsys.readouterr()
    assert output.out == '' and output.err.count('\n') == 1
    assert output.err.startswith('espnet-perception weights: ') and sentence in output.err


def test_import_then_use_by_name(released, home, capsys):
    """In the user's folder of models; found by name; refused a second time."""
    assert main(['weights', 'import', released, '--name', 'city']) == 0
    directory = home / 'share/espnet_perception/models/city'
    assert capsys.readouterr().out == f'{directory}; use it as model:=city\n'
    assert main(['info', 'city']) == 0
    assert 'model              city\n' in capsys.readouterr().out
    assert main(['weights', 'import', released, '--name', 'city']) == 1
    assert '--force' in capsys.readouterr().err


def test_import_into_other_folders(released, home, monkeypatch, capsys):
    """The first of the variable; a folder that is not searched is told by its path."""
    monkeypatch.setenv('ESPNET_PERCEPTION_MODELS', f'{home}/first{os.pathsep}{home}/second')
    assert main(['weights', 'import', released]) == 0
    assert capsys.readouterr().out == f'{home}/first/{NAME}; use it as model:={NAME}\n'
    assert main(['weights', 'import', released, '--to', str(home / 'third')]) == 0
    assert capsys.readouterr().out.endswith(f'use it as model:={home}/third/{NAME}\n')


def test_import_with_names_of_ones_own(released, home, capsys):
    """Too few of them is one sentence; the right number is taken."""
    names = home / 'mine.txt'
    names.write_text('\n'.join(f'thing {index}' for index in range(19)))
    assert main(['weights', 'import', released, '--label-set', str(names)]) == 1
    assert "has 20 classes, label set 'mine' has 19" in capsys.readouterr().err
    names.write_text('\n'.join(f'thing {index}' for index in range(20)))
    assert main(['weights', 'import', released, '--label-set', str(names), '--name', 'own']) == 0
    main(['info', 'own'])
    assert 'thing 19' in capsys.readouterr().out


def test_verify_everything(home, tiny_model_dir, capsys):
    """The shipped model is in order; a damaged one makes the status 1."""
    assert main(['weights', 'verify']) == 0
    assert 'models/espnetv2_s0.5_synthetic: sha256 as in its card' in capsys.readouterr().out
    own = home / 'share/espnet_perception/models/own'
    shutil.copytree(tiny_model_dir, own)
    (own / 'weights.pth').write_bytes(b'damaged')
    assert main(['weights', 'verify']) == 1
    output = capsys.readouterr().out
    assert f'damaged  {own}: ' in output and output.splitlines()[-1].endswith(', 1 not')


def test_an_interrupt_says_how_to_go_on(home, repository):
    """A real Ctrl-C while a slow server sends."""
    class Slow(SimpleHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header('Content-Length', '469319')
            self.end_headers()
            try:
                for _ in range(600):
                    self.wfile.write(b'x' * 700)
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                pass  # the client has gone

        def log_message(self, *_arguments):
            pass
    with ThreadingHTTPServer(('127.0.0.1', 0), Slow) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.02},
                                  daemon=True)
        thread.start()
        part = home / 'cache/espnet_perception/weights' / (NAME + '.pth.part')
        process = subprocess.Popen(
            [sys.executable, '-m', 'espnet_perception.cli.main', 'weights', 'fetch', NAME,
             '--mirror', f'http://127.0.0.1:{server.server_address[1]}'],
            cwd=repository, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 30
        while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
        server.shutdown()
        thread.join()
    assert process.returncode == 130
    assert f'{part.stat().st_size:,} bytes of {NAME} are kept; the same command goes on' in said
    assert 'Traceback' not in said


def test_looking_at_the_list_needs_no_torch(repository):
    """It answers at once, also on a machine that only fetches."""
    program = ('import sys\nfrom espnet_perception.cli.main import main\n'
               "main(['weights', 'list'])\nassert 'torch' not in sys.modules\n")
    subprocess.run([sys.executable, '-c', program], cwd=repository, check=True,
                   capture_output=True)
