"""Japanese: particles after a noun want the predicate, polite endings close it. It is written without spaces."""

from maatu_stt.engine.completeness.reading import Reading, endings, phrases
from maatu_stt.engine.completeness.rules import Rules

_FILLERS = endings("えっと ええと えーと えと あのー あの その そのー えー まあ なんか っていうか")
# "から", "けど" and "の" also close spoken sentences: they are not here.
_PARTICLES = endings(
    "は が を に へ と も で や て いで んで ので のに しながら たら れば なら とか まで だけど ですが",
    "ますが ですけど ますけど そして でも",
)
_CLOSED = endings(
    "です ます ました ません でした ませんでした ですか ますか ましたか ませんか でしょうか でしょう",
    "ましょう ましょうか ください ですね ますね ですよ ますよ お願いします ください",
)
_ONE_WORD = phrases(
    "はい いいえ うん ううん ありがとう ありがとうございます こんにちは こんばんは おはよう",
    "おはようございます さようなら わかりました 了解 了解です そうです もしもし すみません 大丈夫 大丈夫です",
)
_SHORTEST = 5
"""Characters of a clause: "本です" is as often the beginning of one."""


def _text(reading: Reading) -> str:
    return "".join(reading.words)


def _goes_on(reading: Reading) -> bool:
    text = _text(reading)
    # "では" and "こんにちは" are whole; the greetings are answers, which are asked for before.
    return text.endswith(_FILLERS + _PARTICLES)


def _is_clause(reading: Reading) -> bool:
    text = _text(reading)
    return text in _ONE_WORD or (len(text) >= _SHORTEST and text.endswith(_CLOSED))


RULES = Rules(answers=_ONE_WORD, goes_on=_goes_on, is_clause=_is_clause)
