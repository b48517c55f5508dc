# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Fetching from a server of every mood; nothing goes beyond this machine."""

import hashlib
import os
from pathlib import Path
import subprocess
import sys
import threading

from espnet_perception.errors import ModelError, OutputError, SettingsError
from espnet_perception.weights.download import AbsentError, DownloadError, Listener, Patience
from espnet_perception.weights.fetching import addresses, fetch, Source
import pytest

HASTY = Patience(tries=4, pause_s=0.01, timeout_s=5.0)
ONCE = HASTY._replace(tries=1)


class Ear:
    """Hears what a listener is told; may interrupt."""

    def __init__(self, interrupt_at=None):
        self.steps, self.notes, self.interrupt_at = [], [], interrupt_at

    def progress(self, done, total):
        """Remember a step."""
        self.steps.append((done, total))
        if self.interrupt_at is not None and done >= self.interrupt_at:
            raise KeyboardInterrupt

    @property
    def listener(self):
        """Return what fetch takes."""
        return Listener(self.progress, self.notes.append)


@pytest.fixture
def source(site, tmp_path):
    """From the site into a new folder."""
    return Source(str(tmp_path / 'cache' / 'weights'), site.url)


def listing(source):
    """Return the names in the folder."""
    return sorted(os.listdir(source.folder))


def part_of(source, content):
    """Lay a part of the file down, as an earlier run would."""
    os.makedirs(source.folder, exist_ok=True)
    path = Path(source.folder, 'tiny.pth.part')
    path.write_bytes(content)
    return path


def test_a_whole_file(site, source, file, content):
    """Content, name, progress; nothing else is left."""
    ear = Ear()
    fetched = fetch(file, source, HASTY, ear.listener)
    assert not fetched.was_there
    assert Path(fetched.path).read_bytes() == content
    assert listing(source) == ['tiny.pth']
    assert ear.steps == sorted(ear.steps)
    assert ear.steps[-1] == (len(content), len(content)) and len(ear.steps) > 3
    assert (site.requests, ear.notes) == ([('/tiny.pth', None)], [])


def test_what_is_there_is_checked_and_not_fetched_again(site, source, file):
    """No second request."""
    fetch(file, source, HASTY)
    again = fetch(file, source, HASTY)
    assert again.was_there and len(site.requests) == 1
    assert listing(source) == ['tiny.pth']


def test_a_damaged_file_is_kept_aside_and_fetched_anew(source, file, content):
    """And it is said."""
    path = Path(fetch(file, source, HASTY).path)
    path.write_bytes(content[:-1] + b'?')
    ear = Ear()
    assert not fetch(file, source, HASTY, ear.listener).was_there
    assert path.read_bytes() == content
    assert 'was damaged' in ear.notes[0]
    assert listing(source) == ['tiny.pth', 'tiny.pth.mismatch']


def test_a_cut_connection_is_resumed(site, source, file, content):
    """Twice, from where it ended."""
    site.cuts = [100000, 65536]
    ear = Ear()
    path = fetch(file, source, HASTY, ear.listener).path
    assert Path(path).read_bytes() == content
    assert [asked for _, asked in site.requests] == [None, 'bytes=100000-', 'bytes=165536-']
    assert len(ear.notes) == 2 and 'it ended after 100000 of 300000 bytes' in ear.notes[0]


def test_the_next_run_resumes_what_this_one_left(site, source, file, content):
    """The part stays after the last try."""
    site.cuts = [100000]
    with pytest.raises(DownloadError, match='it ended after 100000 of 300000 bytes'):
        fetch(file, source, ONCE)
    assert listing(source) == ['tiny.pth.part']
    assert Path(fetch(file, source, ONCE).path).read_bytes() == content
    assert site.requests[1:] == [('/tiny.pth', 'bytes=100000-')]


def test_a_part_that_is_whole_needs_no_server(site, source, file, content):
    """As after an interruption just before the end."""
    part_of(source, content)
    assert Path(fetch(file, source, ONCE).path).read_bytes() == content
    assert site.requests == []


def test_a_server_without_ranges(site, source, file, content):
    """Its whole answer replaces the part."""
    site.ranges = False
    part_of(source, b'x' * 1000)
    assert Path(fetch(file, source, ONCE).path).read_bytes() == content
    assert site.requests == [('/tiny.pth', 'bytes=1000-')]


def test_an_answer_that_begins_elsewhere_is_not_appended(site, source, file, content):
    """Asked again without a range."""
    site.shift = 5
    part_of(source, content[:1000])
    assert Path(fetch(file, source, ONCE).path).read_bytes() == content
    assert [asked for _, asked in site.requests] == ['bytes=1000-', None]


def test_a_part_of_something_else(site, source, file, content):
    """Found by the sum of the whole; fetched anew once."""
    part_of(source, b'x' * 1000)
    ear = Ear()
    assert Path(fetch(file, source, HASTY, ear.listener).path).read_bytes() == content
    assert [asked for _, asked in site.requests] == ['bytes=1000-', None]
    assert ear.notes == ['the part that was there does not belong to tiny; beginning anew']


def test_a_part_that_is_too_long(site, source, file, content):
    """The server says 416; begun anew."""
    part_of(source, content + b'x')
    assert Path(fetch(file, source, ONCE).path).read_bytes() == content
    assert [asked for _, asked in site.requests] == ['bytes=300001-', None]


@pytest.mark.parametrize('wrong', [lambda content: content[:-1] + b'?',
                                   lambda content: content[:-1],
                                   lambda content: b'<html>log in first</html>'])
def test_another_content_is_kept_aside(site, source, file, content, wrong):
    """One sentence; neither a file of that name nor a part is left."""
    site.files['/tiny.pth'] = wrong(content)
    with pytest.raises(ModelError, match='what came for tiny is not the released file') as caught:
        fetch(file, source, HASTY)
    assert file.sha256 in str(caught.value) and 'tiny.pth.mismatch' in str(caught.value)
    assert listing(source) == ['tiny.pth.mismatch']
    assert Path(source.folder, 'tiny.pth.mismatch').read_bytes() == wrong(content)
    site.files['/tiny.pth'] = content
    assert Path(fetch(file, source, HASTY).path).read_bytes() == content


def test_an_endless_answer_is_cut_off(site, source, file, content):
    """It does not fill the disk."""
    site.files['/tiny.pth'] = content * 20
    with pytest.raises(ModelError, match='not the released file'):
        fetch(file, source, HASTY)
    assert os.path.getsize(os.path.join(source.folder, 'tiny.pth.mismatch')) <= 300000 + (1 << 16)


@pytest.mark.parametrize('status, kind', [(404, AbsentError), (410, AbsentError),
                                          (403, DownloadError), (500, DownloadError)])
def test_a_refusal_is_one_sentence(site, source, file, status, kind):
    """What was asked for and the status; a refusal for good is not repeated."""
    site.statuses = [status] * 20
    with pytest.raises(kind, match=str(status)) as caught:
        fetch(file, source, HASTY)
    assert '\n' not in str(caught.value) and '127.0.0.1' in str(caught.value)
    tries = {403: 1, 404: 2, 410: 2, 500: HASTY.tries}[status]  # absent: both paths of a mirror
    assert len(site.requests) == tries
    assert listing(source) == []


def test_a_busy_server_is_asked_again(site, source, file, content):
    """It may be well a second later."""
    site.statuses = [503, 429]
    ear = Ear()
    assert Path(fetch(file, source, HASTY, ear.listener).path).read_bytes() == content
    assert ['503' in ear.notes[0], '429' in ear.notes[1]] == [True, True]


def test_a_redirect_is_followed_also_when_resuming(site, source, file, content):
    """The range goes along."""
    site.files['/elsewhere'] = site.files.pop('/tiny.pth')
    site.redirects['/tiny.pth'] = site.url + '/elsewhere'
    part_of(source, content[:70000])
    assert Path(fetch(file, source, ONCE).path).read_bytes() == content
    assert site.requests == [('/tiny.pth', 'bytes=70000-'), ('/elsewhere', 'bytes=70000-')]


def test_no_network_is_one_sentence_at_once(site, source, file):
    """Nobody listens at that port any more."""
    url = site.url
    site.close()
    ear = Ear()
    with pytest.raises(DownloadError, match='Connection refused; check the network and the proxy'):
        fetch(file, source._replace(mirror=url), HASTY._replace(pause_s=60.0), ear.listener)
    assert ear.notes == [] and listing(source) == []


def test_a_silent_server_counts_as_broken(site, source, file, content):
    """After the time-out of the connection."""
    site.pause_s = 0.5
    with pytest.raises(DownloadError, match='timed out'):
        fetch(file, source, ONCE._replace(timeout_s=0.1))
    site.pause_s = 0.0
    assert Path(fetch(file, source, ONCE).path).read_bytes() == content


def test_an_interruption_keeps_the_part(site, source, file, content):
    """Ctrl-C in the middle; the next run goes on."""
    with pytest.raises(KeyboardInterrupt):
        fetch(file, source, HASTY, Ear(interrupt_at=100000).listener)
    kept = Path(source.folder, 'tiny.pth.part').read_bytes()
    assert len(kept) >= 100000 and kept == content[:len(kept)]
    assert Path(fetch(file, source, HASTY).path).read_bytes() == content
    assert site.requests[-1] == ('/tiny.pth', 'bytes={}-'.format(len(kept)))


def test_a_full_disk_keeps_what_came(source, file, content):
    """The kernel lets the process write 100000 bytes to a file; the next run goes on."""
    program = (
        'import resource, sys\n'
        'from espnet_perception.releases import Release\n'
        'from espnet_perception.weights.catalogue import ReleasedFile\n'
        'from espnet_perception.weights.fetching import fetch, Source\n'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n'
        'release = Release("espnetv2_seg", "tiny.pth", "cityscapes", 64, 32, 300000)\n'
        'try:\n'
        '    fetch(ReleasedFile("tiny", release, sys.argv[1]), Source(*sys.argv[2:]))\n'
        'except Exception as error:\n'
        '    print(type(error).__name__, error)\n')
    said = subprocess.check_output([sys.executable, '-c', program, file.sha256, *source],
                                   universal_newlines=True)
    assert said.startswith('OutputError cannot write') and said.count('\n') == 1
    assert 'File too large' in said and 'the 100000 bytes that came are kept' in said
    assert Path(source.folder, 'tiny.pth.part').read_bytes() == content[:100000]
    assert Path(fetch(file, source, ONCE).path).read_bytes() == content


def test_no_space_left(source, file):
    """The kernel's own full device in place of the part file."""
    os.makedirs(source.folder)
    os.symlink('/dev/full', os.path.join(source.folder, 'tiny.pth.part'))
    with pytest.raises(OutputError, match='No space left on device; free some space'):
        fetch(file, source, HASTY)
    assert not os.path.exists(os.path.join(source.folder, 'tiny.pth'))


def test_a_folder_that_cannot_be_made(source, file, tmp_path):
    """A file is in the way."""
    (tmp_path / 'file').write_text('')
    with pytest.raises(OutputError, match='cannot write .*/file/weights: Not a directory'):
        fetch(file, source._replace(folder=str(tmp_path / 'file' / 'weights')), HASTY)


def test_two_at_once(site, source, file, content):
    """One transfers, the other waits and finds the file."""
    site.pause_s = 0.1
    results, ears = [], [Ear(), Ear()]
    threads = [threading.Thread(target=lambda ear=ear: results.append(
        fetch(file, source, HASTY, ear.listener))) for ear in ears]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(result.was_there for result in results) == [False, True]
    assert len(site.requests) == 1
    assert sum('another process' in note for ear in ears for note in ear.notes) == 1
    assert Path(results[0].path).read_bytes() == content
    assert listing(source) == ['tiny.pth']


def test_the_proxy_of_the_environment(site, source, file, content, monkeypatch):
    """The site is the proxy: it is asked for the whole address."""
    monkeypatch.setenv('http_proxy', site.url)
    site.files = {'http://example.invalid/tiny.pth': content}
    there = source._replace(mirror='http://example.invalid')
    assert Path(fetch(file, there, ONCE).path).read_bytes() == content


def test_a_mirror_may_keep_the_paths_of_the_authors(site, source, file, content):
    """Asked for the name first, for the path after."""
    path = file.release.url[len('https://raw.githubusercontent.com'):]
    site.files = {path: content}
    assert Path(fetch(file, source, ONCE).path).read_bytes() == content
    assert [asked for asked, _ in site.requests] == ['/tiny.pth', path]


def test_a_folder_as_mirror(source, file, content, tmp_path):
    """A memory stick, for example."""
    stick = tmp_path / 'my stick'
    stick.mkdir()
    here = source._replace(mirror=str(stick))
    with pytest.raises(AbsentError, match='there is no file://.*No such file'):
        fetch(file, here, HASTY)
    (stick / 'tiny.pth').write_bytes(content)
    part_of(source, content[:10])
    assert Path(fetch(file, here, HASTY).path).read_bytes() == content


@pytest.mark.parametrize('mirror, sentence', [
    ('ftp://example.invalid', "'ftp://example.invalid' is no address of http, https, file"),
    ('/no/such/folder', "'/no/such/folder' is no folder")])
def test_what_is_no_mirror(file, mirror, sentence):
    """One sentence each."""
    with pytest.raises(SettingsError, match=sentence):
        addresses(file, mirror)


def test_without_a_mirror_the_authors_are_asked(file):
    """The address of the release."""
    assert addresses(file, '') == [file.release.url]


def test_identity_by_the_id_of_git(source, file, content):
    """Where no sha256 is known; one byte differs and it is not accepted."""
    head = 'blob {}\0'.format(len(content)).encode()
    known = file._replace(sha256='', git_id=hashlib.sha1(head + content).hexdigest())
    assert Path(fetch(known, source, ONCE).path).read_bytes() == content
    os.remove(os.path.join(source.folder, 'tiny.pth'))
    other = file._replace(sha256='', git_id=hashlib.sha1(head + content[:-1]).hexdigest())
    with pytest.raises(ModelError, match='expected git object ' + other.git_id):
        fetch(other, source, ONCE)
