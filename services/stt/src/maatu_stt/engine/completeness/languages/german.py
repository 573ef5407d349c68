"""German: an auxiliary or a modal in second place opens a bracket that a participle or an infinitive closes."""

from maatu_stt.engine.completeness.clauses import VerbEarly
from maatu_stt.engine.completeness.reading import Reading, phrases
from maatu_stt.engine.completeness.rules import Numbers, Rules

_TRAILING = phrases(
    # Fillers.
    "äh ähm hm öh also_äh sozusagen",
    # Articles, determiners, possessives. "der", "die", "das" are pronouns too, seldom at the end ("was ist das").
    "der den dem des ein eine einen einem einer eines mein meine meinen meinem meiner dein deine deinen deinem",
    "deiner",
    "unser unsere unseren eure ihre ihren ihrem kein keine keinen keinem jede jeden jedem diese diesen diesem",
    "dieser zum zur im",
    "ins am beim vom",
    # Conjunctions, subordinators.
    "und oder aber denn sondern dass weil wenn ob als obwohl bevor nachdem während sobald falls sowie bzw",
    # Prepositions that are no verb particles ("an", "auf", "aus", "mit", "vor", "zu" are).
    "für von bei in durch gegen ohne seit zwischen wegen trotz statt bis_zu",
    # Subjects of a verb to come, and the auxiliaries at the beginning of a bracket.
    "ich du er wir ich_bin ich_habe ich_möchte ich_will ich_würde ich_muss ich_kann kann_ich können_sie",
    "könnten_sie kannst_du",
    "haben_sie hast_du ich_hätte es_gibt das_ist hier_ist sehr es_ist wie_viel wie_viele welche welcher",
    "welches was_für",
)
_ANSWERS = phrases(
    "ja nein danke vielen_dank danke_schön dankeschön hallo tschüss genau richtig gut sehr_gut okay ok alles_klar",
    "klar stimmt",
    "natürlich auf_jeden_fall auf_keinen_fall guten_tag guten_morgen guten_abend gute_nacht auf_wiedersehen",
    "bis_morgen bis_dann",
    "bis_später ich_weiß_nicht weiß_ich_nicht keine_ahnung stopp halt warte moment einen_moment ja_bitte",
    "nein_danke bitte_schön",
    "wie_geht_es_dir wie_geht_es_ihnen wie_geht's wie_spät_ist_es was_ist_das wer_ist_das was_kostet_das",
    "wo_bist_du",
    "wer_bist_du wie_bitte entschuldigung tut_mir_leid ich_auch ich_auch_nicht das_war's das_ist_alles doch",
    "verstanden",
    "perfekt super prima",
)
_MODALS = phrases(
    "möchte möchtest möchten will willst wollen wollte kann kannst können könnte könnten könntest muss musst",
    "müssen musste soll",
    "sollte sollten sollen darf dürfen würde würdest würden wird werden werde wirst",
)
_HAVE_BE = phrases("habe hast hat haben hatte hatten bin bist ist sind war waren")
_FINITE = (
    _MODALS
    | _HAVE_BE
    | phrases(
        "gibt geht gehe gehst gehen kommt komme kommst kommen macht mache machst machen heißt heiße wohnt wohne wohnst",
        "arbeitet",
        "arbeite arbeitest braucht brauche brauchst brauchen weiß weißt wissen glaube glaubst denke denkst finde",
        "findest findet",
        "kostet kosten öffnet schließt fährt fahre fährst fahren kommt nimmt nehme nehmen sagt sage sagen spricht",
        "spreche sprichst",
        "sprechen sieht sehe siehst tut mag magst mögen liebe bleibt bleibe dauert fängt beginnt endet hilft helfen",
        "funktioniert",
        "steht liegt läuft spielt regnet schmeckt gefällt gehört bedeutet suche suchst suchen hätte hättest wäre gäbe",
        "zeig sag mach",
        "stell spiel ruf schick erklär erkläre gib öffne schließ erinnere buche such bellt enthält isst esse trinkt",
        "trinke schläft",
        "verstehe verstehst kenne kennst kennen lebt lebe fehlt passt klingt lautet heißen",
    )
)
_OPEN = phrases(
    "brauche habe hat haben will möchte nehme suche finde kenne sage weiß denke glaube mag große großen kleine",
    "kleinen",
    "neue neuen neuer neues alte alten gute guten guter gutes schöne ersten erste zweite zweiten dritte nächste",
    "nächsten letzte",
    "letzten andere anderen anderes viele vielen wenige einige mehrere alle alles beide zwei drei vier fünf sechs",
    "sieben acht neun",
    "zehn dieses jenes wer was wo wann warum wie wohin woher wieso nur auch noch schon immer nie vielleicht",
    "eigentlich dann da also sie es wir ihr uns mich dich ihn mir dir ihm ende anfang seite art teil name nummer",
    "preis",
    "datum bis an auf aus mit nach vor zu über unter um hinter neben gegenüber damit nicht mehr so ganz etwas eben",
    "halt mal",
    "gehe geht fahre kommt hast bin bist ist sind war waren kann kannst können das die liter kilo stück paar",
)
_SHORT_VERBS = ("sein", "tun")


def _closes_bracket(reading: Reading) -> bool:
    """Whether the last word can be the infinitive or the participle that an auxiliary asks for."""
    last = reading.last
    return (last.endswith(("en", "ern", "eln")) and len(last) > 4) or last in _SHORT_VERBS or _is_participle(last)


def _is_participle(word: str) -> bool:
    return len(word) > 5 and "ge" in word[:-2] and word.endswith(("t", "en"))


def _is_clause(reading: Reading) -> bool:
    words = reading.words
    verb = next((word for word in words[:4] if word in _MODALS | _HAVE_BE), "")
    if verb in _MODALS:
        # "Ich möchte einen Tisch" waits for "reservieren".
        return (
            len(words) >= 4
            and _closes_bracket(reading)
            and reading.last not in _OPEN
            and words[-2] not in _TRAILING | _BEFORE_NOUNS
        )
    if verb and len(words) >= 4 and _is_participle(reading.last) and words[0] not in _SUBORDINATORS:
        return True
    if verb in _HAVE and words[0] in _QUESTION_WORDS:
        # "Wo hast du die Schlüssel" waits for "hingelegt".
        return False
    return _clause(reading)


_HAVE = phrases("habe hast hat haben hatte hatten")
_QUESTION_WORDS = phrases("wo wann warum wieso wie was wer wohin woher wen wem")

# After these what ends like an infinitive is a noun: "für vier Personen".
_BEFORE_NOUNS = phrases(
    "die das der den dem einen eine ein meinen meine ihren zwei drei vier fünf sechs sieben acht neun zehn viele",
    "alle einige",
    "mehrere wenige",
)
_SUBORDINATORS = phrases("wenn weil dass ob als obwohl bevor nachdem während sobald falls da")
_clause = VerbEarly(
    finite=_FINITE,
    open_words=_OPEN,
    question_openers=phrases(
        "wer was wo wann warum wieso wie wohin woher wen wem wessen welche welcher welches welchen weshalb womit",
        "wofür",
        "ist sind hast hat haben bist gibt kommt kommst geht weißt wissen brauchst brauchen arbeitest magst",
        "funktioniert",
        "um_wie um_wieviel",
    ),
    lead_ins=phrases("und aber also na ja nein hallo hey ach oh okay gut bitte"),
    subordinators=_SUBORDINATORS,
    closers=phrases(
        "heute morgen gestern jetzt hier dort abend vormittag nachmittag nacht woche monat jahr bitte bald später",
        "wieder zusammen",
        "tage tagen wochen monate jahre jahren stunden minuten euro uhr niemand nichts hause montag dienstag",
        "mittwoch donnerstag",
        "freitag samstag sonntag wochenende früh nicht kaputt fertig",
    ),
)
RULES = Rules(
    trailing=_TRAILING,
    answers=_ANSWERS,
    closings=phrases("danke danke_schön vielen_dank bitte tschüss auf_wiedersehen"),
    is_clause=_is_clause,
    numbers=Numbers(
        digits=phrases("null eins zwei zwo drei vier fünf sechs sieben acht neun bindestrich strich"),
        others=phrases(
            "zehn elf zwölf zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert tausend",
            "komma",
        ),
        dictated={
            **dict.fromkeys(("postleitzahl", "pin"), 5),
            **dict.fromkeys(
                (
                    "telefonnummer",
                    "handynummer",
                    "kontonummer",
                    "kundennummer",
                    "bestellnummer",
                    "kartennummer",
                    "rufnummer",
                    "meine nummer",
                    "nummer ist",
                    "nummer lautet",
                ),
                10,
            ),
        },
        dates=phrases("januar februar märz april mai juni juli august september oktober november dezember"),
    ),
)
