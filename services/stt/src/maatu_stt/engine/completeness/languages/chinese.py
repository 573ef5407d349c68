"""Chinese: sentence particles close, conjunctions, prepositions and "的" go on. It is written without spaces."""

from maatu_stt.engine.completeness.reading import Reading, endings, phrases
from maatu_stt.engine.completeness.rules import Rules

# "的" ends sentences too ("是我的"), mostly it waits for its noun.
_OPEN = endings(
    "的 和 或 或者 跟 与 與 但是 但 可是 因为 因為 所以 如果 虽然 雖然 然后 然後 而且 还有 還有 把 被 在 从",
    "從 对于 對於 给 給 是 我 我们 我們 我想 我要 就是 那个 那個 这个 這個 嗯",
    "呃 一个 一個",
    "很 非常 比较 比較 不 没 沒 会 會 能 可以帮 想要 关于 關於 为了 為了 还是 還是",
)
_CLOSED = endings(
    "吗 嗎 呢 吧 谢谢 謝謝 再见 再見 多少钱 多少錢 怎么样 怎麼樣 什么 什麼 哪里 哪裡 几点 幾點 为什么 為什麼"
)
_ONE_WORD = phrases(
    "是 是的 不是 对 對 不 好 好的 谢谢 謝謝 没有 沒有 你好 您好 再见 再見 停 可以 不可以 不要 要 知道了",
    "明白 明白了 没问题 沒問題 为什么 為什麼 什么 什麼 不知道 我不知道 不用了 不用",
)
_SHORTEST = 4
"""Characters of a question."""


def _text(reading: Reading) -> str:
    return "".join(reading.words)


def _is_clause(reading: Reading) -> bool:
    text = _text(reading)
    return len(text) >= _SHORTEST and text.endswith(_CLOSED)


RULES = Rules(answers=_ONE_WORD, goes_on=lambda reading: _text(reading).endswith(_OPEN), is_clause=_is_clause)
