"""Words that say that somebody may be in danger. Such a text gets fixed words and a person, never a composed reply.

The list is small on purpose: every phrase is one that people write when they mean it, and what they write in jest or of
a price is taken out first. When in doubt it errs towards help: an unneeded "call 911" costs less than a missing one.
English only; a text in another language is answered like any other.
"""

from __future__ import annotations

import re
from typing import Final

_FIGURES_OF_SPEECH: Final = (
    r"kill(?:ing)? me softly",
    r"(?:kill|killing) myself (?:laughing|for (?:forgetting|missing|not)|over (?:it|this|that))",
    r"shoot(?:ing)? myself in the foot",
    r"(?:want to|wanna) die (?:laughing|of (?:embarrassment|laughter|boredom|shame))",
    r"(?:end|ending|take|taking) my (?:own )?life (?:insurance|savings|story|policy)",
    r"suicide (?:squad|doors?|wings|sprints?|drinks?|sauce|squeeze|knob)",
    r"(?:almost|nearly|about) (?:had|have|having) (?:a )?(?:heart attack|stroke|seizure)",
    r"(?:have|having|has) (?:a )?(?:heart attack|stroke) (?:over|when|at|from) (?:\w+ ){0,4}"
    r"(?:price|bill|quote|invoice|estimate|cost)s?",
    r"stroke of (?:luck|genius)",
    r"(?:can't|cannot|can not) breathe (?:until|for laughing|because i'm laughing)",
    r"overdos(?:e|ed|ing) (?:of|on) (?:cute|cuteness|sugar|caffeine|chocolate|coffee)",
    r"in danger of (?:losing|missing|running|being late)",
    r"(?:no|not|isn't) (?:a |an )?(?:medical )?emergency",
)
_DANGER: Final = (
    # Suicide and self-harm.
    r"(?:kill|killing|harm|harming|hang|hanging|shoot|shooting) myself",
    r"(?:want to|wanna|going to|gonna|might|keep) (?:hurt|hurting|cut|cutting) myself",
    r"self harm(?:ing)?",
    r"(?:end|ending|take|taking) my (?:own )?life",
    r"end it all",
    r"(?:want to|wanna|ready to) die",
    r"(?:want to be|wish i (?:was|were)|rather be) dead",
    r"better off (?:dead|without me)",
    r"(?:don't|do not|dont) (?:want to|wanna) (?:live|be alive)",
    r"no reason to (?:live|go on living)",
    r"suicid(?:e|al)",
    r"overdos(?:e|ed|ing)",
    r"(?:took|taken|swallowed) (?:too many|all my|a bottle of|all the) (?:pills|tablets|meds|medication)",
    # In danger from others.
    r"(?:i'm|i am|im|we're|we are|she is|she's|he is|he's|they are) (?:really )?in (?:serious |immediate )?danger",
    r"(?:trying|threatening|threatened|threatens|tried) to (?:kill|shoot|stab|strangle) (?:me|us|her|him|them)",
    r"(?:being|been) (?:attacked|beaten|strangled|raped|held hostage|kidnapped|abused)",
    r"(?:he|she|they|husband|wife|boyfriend|girlfriend|partner|dad|mom|father|mother) "
    r"(?:is |keeps )?(?:hits|hit|hitting|beats|beating|choking|strangling|raped) me",
    r"(?:someone|somebody|he|she|they|man|people) (?:is|are) (?:breaking in|trying to (?:break|get) in)",
    r"(?:has|have|with|got) a (?:gun|knife) (?:to|on|at|against|pointed at) (?:me|us|my|her|him)",
    r"(?:he|she|they|someone|somebody) (?:has|have|got) a gun(?! safe)",
    r"(?:house|home|apartment|building|kitchen|room|store|shop) is on fire",
    r"(?:call|send) (?:the police|an ambulance)(?: now| please| right now| quick)",
    r"(?:call|calling) 911",
    # Medical emergencies.
    r"(?:having|just had|has|have) a (?:heart attack|stroke|seizure)",
    r"(?:can't|cannot|can not|cant|struggling to|hard to) breathe",
    r"(?:not|isn't|stopped) breathing",
    r"chest pains?",
    r"(?:is|she's|he's|fell|lying|found (?:him|her|them)) unconscious",
    r"bleeding (?:heavily|badly|to death)",
    r"(?:won't|wont|can't|doesn't) stop (?:the )?bleeding",
    r"bleeding (?:won't|wont|doesn't|will not) stop",
    r"(?:i'm|i am|he's|he is|she's|she is|baby is|child is|son is|daughter is) choking",
    r"(?:medical emergency|anaphyla\w+|severe allergic reaction)",
)
_FIGURE: Final = re.compile(rf"\b(?:{'|'.join(_FIGURES_OF_SPEECH)})\b")
_SERIOUS: Final = re.compile(rf"\b(?:{'|'.join(_DANGER)})\b")
_NOT_WORDS: Final = re.compile(r"[^\w']+")
_APOSTROPHES: Final = str.maketrans({"\u2019": "'", "\u2018": "'", "`": "'", "\u00b4": "'"})


def tells_of_danger(text: str) -> bool:
    """Return whether a customer's text says that somebody may be in danger. Reads any text in a time linear in it."""
    plain = _NOT_WORDS.sub(" ", text.translate(_APOSTROPHES).lower())
    return _SERIOUS.search(_FIGURE.sub(" ", plain)) is not None
