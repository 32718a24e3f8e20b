"""From the catalog to generators that run: code, environments by uv from PyPI, and the lock."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from catalog_repositories import commit, make_repository

from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.fetching import Fetched, State
from vbvr_cli.catalog.lock import Lock
from vbvr_cli.catalog.provisioning import FetchRequest, Provisioned, provision
from vbvr_cli.catalog.sharing import sharing_of
from vbvr_cli.catalog.uv import ResolutionError, resolve
from vbvr_cli.errors import ConfigurationError, InvalidRequestError

OLD = "numpy==1.26.4\nPillow==10.4.0\n"
NEW = "Pillow==11.3.0\n"


class Silence:
    def begin(self, repositories: int) -> None: ...
    def ended(self, one: Fetched) -> None: ...
    def building(self, environments: int) -> None: ...


@pytest.fixture(scope="session")
def pypi() -> None:
    try:
        resolve(["pillow==10.4.0"])
    except (ResolutionError, ConfigurationError) as error:
        pytest.skip(f"packages cannot be resolved here: {error}")


class Workshop:
    """A folder with repositories, a catalog of them, and a state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"

    def add(self, name: str, requirements: str | None = None, **source: str) -> str:
        files = {} if requirements is None else {"requirements.txt": requirements}
        head = make_repository(self.folder / "origin" / name, files)
        file = self.folder / "generators.yaml"
        content = yaml.safe_load(file.read_text()) if file.exists() else {"version": 1, "generators": []}
        entry = {"git": f"file://{self.folder}/origin/{name}", **source}
        content["generators"].append({"name": name, "source": entry})
        file.write_text(yaml.safe_dump(content))
        return head

    def catalog(self) -> Catalog:
        return Catalog.load(self.folder / "generators.yaml", fetched=self.home / "generators")

    def fetch(self, *patterns: str, update: bool = False, locked: bool = False) -> Provisioned:
        request = FetchRequest(patterns or ("all",), update=update, locked=locked)
        return provision(self.catalog(), request, Silence())

    @property
    def lock(self) -> Lock:
        return Lock.read(self.folder / "generators.lock")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def version_of(catalog: Catalog, name: str, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    python = catalog.get(name).environment.python
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_contradicting_requirements_get_environments_of_their_own(workshop: Workshop, pypi: None) -> None:
    workshop.add("a", OLD)
    workshop.add("b", OLD)
    workshop.add("c", NEW)

    report = workshop.fetch()

    assert not report.failed
    assert report.environments == 2
    catalog = workshop.catalog()
    assert catalog.get("a").environment == catalog.get("b").environment
    assert version_of(catalog, "a", "pillow") == "10.4.0"
    assert version_of(catalog, "a", "numpy") == "1.26.4"
    assert version_of(catalog, "c", "pillow") == "11.3.0"
    sharing = sharing_of(catalog, "a")
    assert sharing.others == ("b",)
    assert sharing_of(catalog, "c").apart == sharing.apart
    assert (
        "Pillow==11.3.0 (c, requirements.txt:1) against Pillow==10.4.0 (a, requirements.txt:2)"
        in sharing.apart
    )


def test_the_same_lock_gives_the_same_generators_elsewhere(
    workshop: Workshop, tmp_path: Path, pypi: None
) -> None:
    head = workshop.add("a", OLD)
    workshop.fetch()
    here = workshop.catalog().get("a")
    commit(workshop.folder / "origin" / "a", {"new.txt": "news"})
    workshop.home = tmp_path / "elsewhere"

    assert not workshop.fetch(locked=True).failed

    there = workshop.catalog().get("a")
    assert there.provenance == here.provenance
    assert there.provenance.commit == head
    assert there.environment.id == here.environment.id


def test_requirements_that_nothing_meets_fail_with_their_line_and_spare_the_others(
    workshop: Workshop, pypi: None
) -> None:
    workshop.add("a", NEW)
    workshop.add("b", "# why not\nnumpy==1.26.4\nnumpy==1.26.3\n")
    report = workshop.fetch()
    (failed,) = report.failed
    assert failed.name == "b"
    assert "numpy==1.26.3 (b, requirements.txt:3)" in failed.why
    assert [entry.name for entry in workshop.catalog().unavailable] == ["b"]


def test_what_is_pinned_stays_until_it_is_updated(workshop: Workshop) -> None:
    first = workshop.add("a")
    workshop.fetch()
    second = commit(workshop.folder / "origin" / "a", {"new.txt": "news"})
    workshop.fetch()
    assert workshop.lock.generators["a"].commit == first
    workshop.fetch(update=True)
    assert workshop.lock.generators["a"].commit == second
    assert workshop.catalog().get("a").provenance.commit == second


def test_what_the_catalog_fixes_is_not_updated(workshop: Workshop) -> None:
    head = make_repository(workshop.folder / "other", {"other.txt": ""})
    first = workshop.add("a")
    file = workshop.folder / "generators.yaml"
    file.write_text(file.read_text().replace("git: ", f"commit: {first}\n    git: "))
    commit(workshop.folder / "origin" / "a", {"new.txt": "news"})
    workshop.fetch(update=True)
    assert workshop.lock.generators["a"].commit == first
    file.write_text(file.read_text().replace(first, head))
    assert [entry.name for entry in workshop.catalog().unavailable] == ["a"]


def test_locked_refuses_what_the_lock_does_not_have(workshop: Workshop) -> None:
    workshop.add("a")
    (failed,) = workshop.fetch(locked=True).failed
    assert "generators.lock does not have it" in failed.why
    assert not (workshop.folder / "generators.lock").exists()


def test_an_edited_generator_cannot_run_as_if_it_were_the_pinned_one(workshop: Workshop) -> None:
    head = workshop.add("a")
    workshop.fetch()
    (workshop.home / "generators" / "a" / head / "examples" / "generate.py").write_text("edited")
    with pytest.raises(ConfigurationError, match="cannot run here") as caught:
        workshop.catalog().get("a")
    assert caught.value.why is not None
    assert "it was edited since it was fetched" in caught.value.why
    (failed,) = workshop.fetch(locked=True).failed
    assert "was edited" in failed.why


def test_fetching_again_changes_nothing(workshop: Workshop) -> None:
    workshop.add("a")
    workshop.fetch()
    lock = workshop.folder / "generators.lock"
    before = lock.stat()
    report = workshop.fetch()
    assert [one.state for one in report.repositories] == [State.KEPT]
    assert lock.stat() == before


def test_the_lock_forgets_what_has_left_the_catalog(workshop: Workshop) -> None:
    workshop.add("a")
    workshop.add("b")
    workshop.fetch()
    content = yaml.safe_load((workshop.folder / "generators.yaml").read_text())
    del content["generators"][0]
    (workshop.folder / "generators.yaml").write_text(yaml.safe_dump(content))
    workshop.fetch()
    assert list(workshop.lock.generators) == ["b"]


def test_a_broken_lock_is_named_with_line_and_field(workshop: Workshop) -> None:
    workshop.add("a")
    workshop.fetch()
    lock = workshop.folder / "generators.lock"
    lock.write_text(lock.read_text().replace("commit: ", "commit: x"))
    with pytest.raises(ConfigurationError, match=r"generators.lock, line 6, field generators.a.commit"):
        workshop.catalog()


def test_a_lock_that_lacks_an_environment_is_named(workshop: Workshop) -> None:
    workshop.add("a")
    workshop.fetch()
    lock = workshop.folder / "generators.lock"
    key = "py3.11-0123456789abcdef"
    lock.write_text(lock.read_text().replace("    digest", f"    environment: {key}\n    digest"))
    with pytest.raises(ConfigurationError, match=f"lacks the environment {re.escape(key)} that a runs in"):
        workshop.catalog()


def test_starters_alone_are_nothing_to_fetch(workshop: Workshop) -> None:
    (workshop.folder / "generators.yaml").write_text(
        "version: 1\ngenerators: [{name: n, source: {starter: O-nonogram_data-generator}}]\n"
    )
    with pytest.raises(InvalidRequestError, match="there is nothing to fetch"):
        workshop.fetch()


def test_a_folder_gets_its_environment_on_first_use_and_keeps_it(
    workshop: Workshop, tmp_path: Path, pypi: None
) -> None:
    make_repository(tmp_path / "mine" / "a", {"requirements.txt": OLD})
    (tmp_path / "generators.yaml").write_text("version: 1\ngenerators: []\n")

    def load() -> Catalog:
        return Catalog.load(
            tmp_path / "generators.yaml", [tmp_path / "mine"], fetched=workshop.home / "generators"
        )

    assert [entry.reason for entry in load().unavailable] == ["Its environment has not been built yet."]
    catalog = load()
    assert [generator.name for generator in catalog.select(["all"])] == ["a"]
    assert version_of(catalog, "a", "pillow") == "10.4.0"
    assert catalog.unavailable == ()
    assert [generator.name for generator in load()] == ["a"]
