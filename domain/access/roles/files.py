"""The files that roles are read from: one directory of this release's, and one of the operator's on top of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from domain.access.authorize import Permission
from domain.access.roles.documents import PermissionsDocument, RoleDocument
from domain.access.roles.errors import RoleFilesError
from domain.access.roles.migrate import SchemaError, migrate
from domain.access.roles.words import in_words, quoted

LARGEST: Final = 256 * 1024
"""Bytes of a file. A role has a few thousand."""
PERMISSIONS: Final = "permissions.v1.json"
_NAME: Final = re.compile(r"([a-z][a-z_]{1,62})\.v([1-9][0-9]{0,3})\.json")

Fingerprint = Sequence[tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class RoleFiles:
    """Where roles stand: `directory` holds the permissions and `roles/`; a role in `more` goes before one of ours."""

    directory: Path
    more: Path | None = None

    def paths(self) -> list[Path]:
        """Return all files there are, ours first. Raises RoleFilesError for a directory that can't be read."""
        return [path for place in self._places() for path in _in(place)]

    def fingerprint(self) -> Fingerprint:
        """Return what changes when a file does; cheap enough to look every second. Raises RoleFilesError."""
        found = []
        for path in [self.directory / PERMISSIONS, *self.paths()]:
            try:
                about = path.stat()
            except OSError:
                continue  # Gone since the directory was listed: the next look will differ.
            found.append((str(path), about.st_ino, about.st_size, about.st_mtime_ns))
        return found

    def permissions(self) -> Mapping[str, Permission]:
        """Return everything that can be allowed. Raises RoleFilesError."""
        try:
            listed = PermissionsDocument.model_validate_json(json.dumps(_read(self.directory / PERMISSIONS)))
        except ValidationError as error:
            raise RoleFilesError([f"{PERMISSIONS}: {words}" for words in in_words(error)]) from None
        except ValueError as error:
            raise RoleFilesError([f"{PERMISSIONS}: {error}"]) from None
        return {
            name: Permission(
                name,
                said.about,
                frozenset(said.scopes),
                changes=said.changes,
                destructive=said.destructive,
                personal=said.personal,
            )
            for name, said in listed.permissions.items()
        }

    def documents(self) -> dict[str, RoleDocument]:
        """Return each role's document, by name, as its file alone says. Raises RoleFilesError with all mistakes."""
        mistakes: list[str] = []
        found: dict[str, RoleDocument] = {}
        for place in self._places():
            here: dict[str, RoleDocument] = {}
            for path in _in(place):
                try:
                    document = _document(path)
                except RoleFilesError as error:
                    mistakes += error.mistakes
                    continue
                if document.role in here:
                    mistakes.append(f"{path.name}: {place.name} has another file of this role; leave the right one")
                here[document.role] = document
            found |= here
        if mistakes:
            raise RoleFilesError(mistakes)
        return found

    def _places(self) -> Iterator[Path]:
        yield self.directory / "roles"
        if self.more is not None:
            yield self.more


def _in(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if path.suffix == ".json" and not path.name.startswith("."))
    except OSError as error:
        raise RoleFilesError([f"{place}: {error.strerror or error}; name a directory with role files"]) from None


def _document(path: Path) -> RoleDocument:
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise RoleFilesError([f"{path.name}: call the file ROLE.vVERSION.json, such as night_shift.v1.json"])
    try:
        # Read again as JSON, of which a strict model takes lists as tuples and texts as scopes.
        document = RoleDocument.model_validate_json(json.dumps(migrate(_read(path))))
    except ValidationError as error:
        raise RoleFilesError([f"{path.name}: {words}" for words in in_words(error)]) from None
    except (ValueError, SchemaError) as error:
        raise RoleFilesError([f"{path.name}: {error}"]) from None
    if (document.role, str(document.version)) != named.groups():
        says = f'it says role "{document.role}", version {document.version}'
        raise RoleFilesError([f"{path.name}: {says}; call the file so, or correct it"])
    return document


def _read(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file. Raises ValueError in words."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ValueError(f"it can't be read: {error.strerror or error}") from None
    if len(content) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1024} KiB; a role has a few thousand bytes")
    try:
        document = json.loads(content.decode(), object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: this is not JSON ({error.msg})") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8; save it as such") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(document, dict):
        raise ValueError("it has to hold one object: { … }")  # noqa: TRY004 - as all that is wrong with a file
    return document


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"{', '.join(map(quoted, twice))} stands twice in one object; leave one")
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
