"""What was read is kept for a while, once for all who ask together, and never without end."""

from __future__ import annotations

import threading

from api.dashboard.kept import Kept


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_value_is_read_again_once_it_is_too_old() -> None:
    clock = _Clock()
    kept, read = Kept(clock), iter(range(9))
    assert [kept.get("a", 5, lambda: next(read)) for _ in range(3)] == [0, 0, 0]
    clock.now = 4.9
    assert kept.get("a", 5, lambda: next(read)) == 0
    assert kept.get("a", 2, lambda: next(read)) == 1
    clock.now = 20
    assert kept.get("a", 5, lambda: next(read)) == 2
    assert kept.get("b", 5, lambda: next(read)) == 3


def test_nothing_is_kept_when_reading_fails() -> None:
    kept = Kept()

    def fail() -> int:
        raise OSError

    for _ in range(2):
        try:
            kept.get("a", 5, fail)
        except OSError:
            continue
    assert kept.get("a", 5, lambda: 7) == 7


def test_those_that_nobody_asked_for_lately_are_given_up() -> None:
    kept, reads = Kept(most=2), []

    def read(name: str) -> str:
        reads.append(name)
        return name

    for name in ("a", "b", "a", "c", "a", "b"):
        kept.get(name, 60, lambda name=name: read(name))  # type: ignore[misc]
    assert reads == ["a", "b", "c", "b"]


def test_of_many_who_ask_at_once_one_reads() -> None:
    kept, reads = Kept(), []
    everybody = threading.Barrier(8)

    def read() -> int:
        reads.append(1)
        return 1

    def ask() -> None:
        everybody.wait()
        kept.get("a", 60, read)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 1
