"""Which texts say that somebody may be in danger, and which only sound so."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.replies.crisis import tells_of_danger

NOISE = st.text(st.characters(exclude_categories=["L"], exclude_characters="'_"))
SERIOUS = [
    "I want to kill myself",
    "i don\u2019t want to live anymore",
    "I DON'T WANT TO LIVE",
    "thinking about suicide",
    "feeling suicidal tonight, can someone talk",
    "I just want to die",
    "everyone would be better off without me",
    "I'm going to end my life",
    "i keep cutting myself",
    "gonna hurt myself",
    "I took too many pills",
    "my son overdosed!!",
    "Please help, I'm in danger",
    "he is trying to kill me",
    "My husband hits me, what should I do",
    "someone is trying to break in right now",
    "she has a gun",
    "he's got a knife... he has a knife to my throat",
    "the kitchen is on fire",
    "call an ambulance please",
    "should I call 911?",
    "I think I'm having a heart attack",
    "my mother is having a stroke",
    "I can't breathe",
    "I can\u2019t   breathe!",
    "he is not breathing",
    "bad chest pains since this morning",
    "she fell unconscious",
    "My gum won't stop bleeding",
    "the baby is choking",
    "this is a medical emergency",
    "Hi, quick question.\nDo you open Sunday? I want to die.",
]
HARMLESS = [
    "",
    "How much is a drain cleaning?",
    "killing me softly price for the song lesson?",
    "these prices are killing me",
    "I'm dying to know when you open",
    "I could kill for a coffee",
    "I'd kill myself laughing if it wasn't so cold",
    "want to die of embarrassment, I forgot the appointment",
    "almost had a heart attack when I saw the bill",
    "I'm having a heart attack over this quote lol",
    "that was a stroke of luck",
    "is a two stroke engine ok",
    "do you have the suicide squad poster",
    "1965 Lincoln with suicide doors, can you fix the hinge?",
    "my phone is going to die, text me",
    "the battery is going dead",
    "It's an emergency, my pipe burst!",
    "plumbing emergency, water everywhere",
    "it's not a medical emergency",
    "need help bleeding the radiators",
    "the boiler is choking up",
    "how do I take my life insurance with me",
    "don't shoot yourself in the foot, I shot myself in the foot with that",
    "I'm in danger of missing the deadline",
    "beats me why it leaks",
    "can you hang a picture by yourself or do I hang it myself",
    "someone broke into my house last month, I need new locks",
    "do you sell a gun safe? he has a gun safe already",
    "my wife is going to kill me if this isn't fixed by Friday",
    "dead outlet in the kitchen",
    "an overdose of cuteness: my puppy needs grooming",
    "I hurt myself at the gym, do you do physiotherapy?",
    "stop",
]


@pytest.mark.parametrize("text", SERIOUS)
def test_a_text_about_danger_is_noticed(text: str) -> None:
    assert tells_of_danger(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_sounds_like_danger_is_answered_like_anything_else(text: str) -> None:
    assert not tells_of_danger(text)


@given(NOISE, st.sampled_from(SERIOUS), NOISE)
def test_danger_is_noticed_in_the_midst_of_anything(before: str, text: str, after: str) -> None:
    assert tells_of_danger(f"{before} {text} {after}")


def test_a_hostile_text_is_read_quickly() -> None:
    begun = time.perf_counter()
    tells_of_danger("have a heart attack when " + "a " * 20_000 + "won't stop " * 5_000)
    assert time.perf_counter() - begun < 1
