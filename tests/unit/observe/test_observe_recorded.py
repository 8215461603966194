"""Snapshot files: what was saved comes back, and what was not is told by name."""

import hashlib
import io
import json
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from microglia.model.activity import ContainerActivity
from microglia.model.objects import BlindSpot
from microglia.observe.digest import snapshot_digest
from microglia.observe.recorded import RecordedError, load, save
from tests.factories import deployment, edges, nodes, running, service, snapshot


@pytest.fixture
def seen():
    found = snapshot(
        *running(deployment("web")), *nodes(), service("web"),
        calls=edges(("shop/front", "web.shop.svc.cluster.local", "shop/web")),
        faults=[BlindSpot("Lease", "cannot list leases (forbidden)")],
    )  # fmt: skip
    containers = ContainerActivity((("shop/web", "app"),), np.full((1, found.window.hours), 0.5, dtype=np.float32))
    found = replace(found, activity=replace(found.activity, containers=containers))
    activity = replace(found.activity, hosts={"web.shop.svc.cluster.local": 5.5}, faults=("28 Jun: partial",))
    return replace(found, activity=activity, digest=snapshot_digest(found.source, found.objects, activity))


@pytest.fixture
def file(seen, tmp_path):
    path = tmp_path / "it.snapshot"
    save(seen, path)
    return path


def rewritten(path, **parts):
    """``path`` with other contents of some of its parts; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content.update({name.replace("_", "."): body for name, body in parts.items()})
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in content.items():
            if body is not None:
                archive.writestr(name, body)


def test_what_was_saved_comes_back(seen, file):
    """Objects, arrays, source, blind spots and digest are the same, and the digest can be computed again."""
    found = load(file)
    assert (found.taken_at, found.source, found.digest) == (seen.taken_at, seen.source, seen.digest)
    assert found.objects.kinds == {kind: tuple(map(dict, raws)) for kind, raws in seen.objects.kinds.items()}
    assert found.blind_spots == seen.blind_spots
    assert found.activity.hosts == seen.activity.hosts
    assert found.window == seen.window
    for part in ("workloads", "containers", "edges"):
        before, after = getattr(seen.activity, part), getattr(found.activity, part)
        for field in fields(before):
            np.testing.assert_array_equal(getattr(after, field.name), getattr(before, field.name))
    assert snapshot_digest(found.source, found.objects, found.activity) == found.digest


def test_what_was_loaded_cannot_be_changed(file):
    """Arrays out of a file are read-only."""
    with pytest.raises(ValueError, match="read-only"):
        load(file).activity.workloads.peak[0, 0] = 1


def test_arrays_are_read_in_place(file):
    """They start at multiples of 64 bytes in the file, so that nothing need be copied."""
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(io.BytesIO(archive.read("arrays.npz"))) as arrays:
        for info in arrays.infolist():
            assert (info.header_offset + 30 + len(info.filename) + len(info.extra) + 20) % 64 == 0
    assert not load(file).activity.workloads.peak.flags.owndata


def test_a_file_packed_by_somebody_else(file):
    """Compressed, and with arrays where they happen to fall: what it says is the same."""
    before = load(file)
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    body = io.BytesIO()
    with np.load(io.BytesIO(content["arrays.npz"])) as arrays:
        np.savez(body, **arrays)
    content["arrays.npz"] = body.getvalue()
    told = json.loads(content["header.json"])
    told["parts"]["arrays.npz"] = hashlib.sha256(content["arrays.npz"]).hexdigest()
    content["header.json"] = json.dumps(told).encode()
    content["seal"] = hashlib.sha256(content["header.json"]).hexdigest().encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in content.items():
            archive.writestr(name, part)
    after = load(file)
    assert snapshot_digest(after.source, after.objects, after.activity) == before.digest
    assert not after.activity.workloads.peak.flags.writeable


def test_no_file(tmp_path):
    """A missing file is told with the command that makes one."""
    with pytest.raises(RecordedError, match=r"none: no such file; take one with: microglia snapshot"):
        load(tmp_path / "none")


def test_a_folder_is_no_snapshot(tmp_path):
    """What cannot be read is named."""
    with pytest.raises(RecordedError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize("body", [b"", b"just text", b"{}"])
def test_not_a_snapshot(tmp_path, body):
    """A file of another kind is told as such."""
    path = tmp_path / "x"
    path.write_bytes(body)
    with pytest.raises(RecordedError, match="no snapshot of microglia"):
        load(path)


@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_cut_off(file, share):
    """A file that lost its end is told as damaged."""
    body = file.read_bytes()
    file.write_bytes(body[: int(len(body) * share)])
    with pytest.raises(RecordedError, match="cut off or damaged"):
        load(file)


def test_a_zip_of_something_else(file):
    """A zip without a header is no snapshot."""
    rewritten(file, header_json=None)
    with pytest.raises(RecordedError, match=r"no snapshot of microglia \(it has no header\.json\)"):
        load(file)


def header(path, **changes):
    with zipfile.ZipFile(path) as archive:
        return json.dumps({**json.loads(archive.read("header.json")), **changes})


def test_another_format_is_refused_by_name(file):
    """A file of another version is told its number, and ours."""
    rewritten(file, header_json=header(file, format=99))
    with pytest.raises(RecordedError, match="has snapshot format 99, this microglia reads format 1"):
        load(file)


@pytest.mark.parametrize("body", ["[]", "no json", '{"format": 1}'])
def test_an_unreadable_header(file, body):
    """A header that is not one is told."""
    rewritten(file, header_json=body)
    with pytest.raises(RecordedError, match=r"header\.json cannot be read"):
        load(file)


def test_an_edited_header(file):
    """A changed date is noticed."""
    rewritten(file, header_json=header(file, taken_at="2020-01-01T00:00:00Z"))
    with pytest.raises(RecordedError, match=r"header\.json was edited"):
        load(file)


@pytest.mark.parametrize(("name", "body"), [("objects_json", "{}"), ("keys_json", "{}"), ("arrays_npz", b"x")])
def test_edited_parts(file, name, body):
    """A changed object, key or array is noticed, and named."""
    rewritten(file, **{name: body})
    with pytest.raises(RecordedError, match=f"{name.replace('_', '.')} was edited"):
        load(file)


@pytest.mark.parametrize("name", ["arrays_npz", "seal"])
def test_missing_parts(file, name):
    """A part that is not there is named."""
    rewritten(file, **{name: None})
    with pytest.raises(RecordedError, match="is missing"):
        load(file)


def test_no_place_to_write(seen, tmp_path):
    """A file that cannot be written is told, and leaves nothing behind."""
    with pytest.raises(RecordedError, match="cannot be written"):
        save(seen, tmp_path / "no" / "such" / "folder")
    assert list(tmp_path.iterdir()) == []


def test_saving_again_replaces(seen, file):
    """A new snapshot takes the place of the old one, whole."""
    save(replace(seen, digest="other"), file)
    assert load(file).digest == "other"
    assert [path.name for path in file.parent.iterdir()] == [file.name]
