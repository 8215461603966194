"""The git program: reads a commit, and makes commits and patches beside the checkout.

No file of the checkout, no index and no branch that exists is touched: trees are made in an index of their own and
committed with ``commit-tree``, so a dirty checkout is no hindrance, and filters and hooks change no byte. Nothing is
pushed.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PLAIN: Final = ("100644", "100755")
_LARGEST: Final = 1024 * 1024
_ASIDE: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")
"""Set by a hook or an alias that runs us: they would lead to another repository."""


class GitError(Exception):
    """git is missing, the path is no repository, or a command failed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkout. ``under`` is the folder below its root that was named, empty for the root itself; all paths are
    relative to the root, with slashes."""

    root: Path
    under: str

    def head(self) -> str:
        """The id of the commit that is checked out. Raises GitError when there is none yet."""
        found = _git(self.root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", fails=True)
        if found is None:
            raise GitError(f"{self.root}: there is no commit yet; commit the manifests first")
        return found.decode().strip()

    def dirty(self) -> tuple[str, ...]:
        """The files that differ from the commit that is checked out, or that git does not know; sorted."""
        told = self._run("status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal")
        return tuple(sorted(entry[3:] for entry in told.decode("utf-8", "replace").split("\0") if entry))

    def files(self, commit: str, endings: Sequence[str]) -> dict[str, str]:
        """The text files of ``commit`` whose names end so, by path. Links, submodules, what is no UTF-8 and what is
        larger than a mebibyte are left out."""
        listed = self._run("ls-tree", "-r", "-z", "--long", "--full-tree", commit).decode("utf-8", "replace")
        wanted: dict[str, str] = {}
        for entry in filter(None, listed.split("\0")):
            about, _, path = entry.partition("\t")
            mode, _, blob, size = about.split()
            if mode in _PLAIN and path.endswith(tuple(endings)) and int(size) <= _LARGEST:
                wanted[path] = blob
        return dict(sorted(self._texts(wanted)))

    def branch_is_free(self, name: str) -> None:
        """Raises GitError when ``name`` cannot be a new branch."""
        if _git(self.root, "check-ref-format", "--branch", name, fails=True) is None:
            raise GitError(f"{name!r} is no name for a branch; for a folder, write ./{name}")
        if _git(self.root, "rev-parse", "--verify", "--quiet", f"refs/heads/{name}", fails=True) is not None:
            raise GitError(f"the branch {name} exists in {self.root}; give another name, or delete it: git branch -D")

    def tree(self, base: str, changed: Mapping[str, str | None]) -> str:
        """The tree of ``base`` (a commit or tree) with these files in place; None takes one away."""
        with self._index(base) as index:
            for path, text in sorted(changed.items()):
                if text is None:
                    self._run("update-index", "--force-remove", "--", path, index=index)
                    continue
                blob = self._run("hash-object", "-w", "--stdin", feed=text.encode()).decode().strip()
                mode = self._mode(base, path)
                self._run("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", index=index)
            return self._run("write-tree", index=index).decode().strip()

    def commit(self, tree: str, parent: str, message: str) -> str:
        """A commit of ``tree`` after ``parent``, by the user that git knows."""
        return self._run("commit-tree", tree, "-p", parent, feed=message.encode()).decode().strip()

    def branch(self, name: str, commit: str) -> None:
        """A new branch at ``commit``."""
        self._run("update-ref", "-m", "microglia propose", f"refs/heads/{name}", commit, "0" * len(commit))

    def patch(self, before: str, after: str) -> str:
        """What ``git apply`` makes ``after`` of ``before`` with."""
        options = (
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
            "--full-index",
            "--src-prefix=a/",
            "--dst-prefix=b/",
        )
        return self._run("diff-tree", "-p", "-r", *options, before, after).decode()

    def _mode(self, base: str, path: str) -> str:
        found = self._run("ls-tree", base, "--", path).decode().split()
        return found[0] if found else _PLAIN[0]

    def _texts(self, wanted: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        told = self._run("cat-file", "--batch", feed="".join(f"{blob}\n" for blob in wanted.values()).encode())
        start = 0
        for path in wanted:
            line = told.index(b"\n", start)
            size = int(told[start:line].split()[2])
            content = told[line + 1 : line + 1 + size]
            start = line + size + 2
            try:
                yield path, content.decode("utf-8")
            except UnicodeDecodeError:
                continue

    @contextmanager
    def _index(self, base: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="microglia-") as folder:
            index = Path(folder) / "index"
            self._run("read-tree", base, index=index)
            yield index

    def _run(self, *words: str, feed: bytes = b"", index: Path | None = None) -> bytes:
        return _git(self.root, *words, feed=feed, index=index) or b""


def repository(path: Path) -> Repository:
    """The checkout that ``path`` lies in. Raises GitError when git is missing or it lies in none."""
    if not path.is_dir():
        raise GitError(f"{path}: there is no such folder; --repo takes a checkout of the repository with the manifests")
    try:
        found = _git(path, "rev-parse", "--show-toplevel") or b""
    except GitError as error:
        if "not a git repository" not in str(error) and "work tree" not in str(error):
            raise
        found = b""
    if not found.strip():
        raise GitError(f"{path}: is no git checkout; clone the repository with the manifests and name that folder")
    under = _git(path, "rev-parse", "--show-prefix") or b""
    return Repository(Path(found.decode().rstrip("\n")), under.decode().rstrip("\n").rstrip("/"))


def _git(folder: Path, *words: str, feed: bytes = b"", index: Path | None = None, fails: bool = False) -> bytes | None:
    """What git printed; None when it failed and may."""
    environment = {name: value for name, value in os.environ.items() if name not in _ASIDE}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    if index:
        environment["GIT_INDEX_FILE"] = str(index)
    command = ["git", "-C", str(folder), "-c", "core.quotePath=false", *words]
    try:
        ended = subprocess.run(command, input=feed, capture_output=True, env=environment, check=False)
    except FileNotFoundError:
        raise GitError("the program git was not found; install it, or put it on the PATH") from None
    if ended.returncode == 0:
        return ended.stdout
    if fails:
        return None
    said = ended.stderr.decode("utf-8", "replace").strip().replace("\n", "; ")
    raise GitError(f"git {words[0]} failed in {folder}: {said or f'exit code {ended.returncode}'}{_remedy(said)}")


def _remedy(said: str) -> str:
    if "identity" in said or "user.email" in said:
        return "; tell git who you are: git config user.name and user.email"
    if "dubious ownership" in said:
        return "; the checkout belongs to another user: clone it anew as yourself"
    return ""
