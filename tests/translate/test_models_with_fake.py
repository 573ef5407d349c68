"""Which model translates what, with fake engines."""

import pytest

from maatu_runtime.errors import ConfigurationError, InvalidRequest, UnsupportedLanguage
from maatu_runtime.language import Language
from maatu_translate.batcher import Batcher, BatchSettings
from maatu_translate.engine.base import Direction
from maatu_translate.engine.fake import FakeEngine
from maatu_translate.models import Model, Models

MANY = [
    (a, b) for a in ("en", "es", "fr", "de", "kn", "zh-Hans", "zh-Hant") for b in ("en", "es", "fr", "kn") if a != b
]


async def loaded(engines: list[FakeEngine], *languages: str) -> Models:
    models = Models(lambda: [Model(Batcher(engine, BatchSettings()), engine.name) for engine in engines], languages)
    await models.load()
    return models


def choose(models: Models, source: str, target: str, name: str = "") -> tuple[str, Direction]:
    model, direction = models.choose(Language.parse(source), Language.parse(target), name)
    return model.name, direction


async def test_the_first_that_has_a_pair_serves_it_with_fake() -> None:
    small = FakeEngine(name="small", directions=[("es", "en"), ("en", "es")])
    large = FakeEngine(name="large", directions=MANY)
    models = await loaded([small, large])
    assert choose(models, "es-MX", "en-GB") == ("small", ("es", "en"))
    assert choose(models, "es-MX", "en-GB", "large") == ("large", ("es", "en"))
    assert choose(models, "kn-IN", "es") == ("large", ("kn", "es"))
    assert dict(models.served())[Direction("es", "en")].name == "small"
    assert [direction for direction, _ in models.served()] == sorted({*small.directions, *large.directions})
    assert models.served(Language.parse("kn-IN"), Language.parse("es")) == [(Direction("kn", "es"), models.all[1])]
    assert {direction.target for direction, _ in models.served(Language.parse("kn"))} == {"en", "es", "fr"}
    assert {direction.target for direction, _ in models.served(target=Language.parse("fr-CA"))} == {"fr"}
    assert models.served(Language.parse("en"), Language.parse("de")) == []
    assert models.served(Language.parse("ta")) == []
    await models.close()


async def test_scripts_are_told_apart_with_fake() -> None:
    models = await loaded([FakeEngine(directions=MANY)])
    assert choose(models, "zh-TW", "en")[1] == ("zh-Hant", "en")
    assert choose(models, "zh", "en")[1] == ("zh-Hans", "en")
    await models.close()


async def test_a_pair_that_no_model_has_lists_what_is_served_with_fake() -> None:
    models = await loaded([FakeEngine(name="few", directions=[("es", "en")]), FakeEngine(name="many", directions=MANY)])
    with pytest.raises(
        UnsupportedLanguage, match=r"en → de is not served.*de, en, es, fr.* → en, es, fr, kn"
    ) as caught:
        choose(models, "en", "de")
    assert caught.value.field == "target_language_code"
    with pytest.raises(UnsupportedLanguage, match=r'kn → en is not served by "few": what is, is es → en$'):
        choose(models, "kn", "en", "few")
    with pytest.raises(UnsupportedLanguage):
        choose(models, "tlh", "en")
    with pytest.raises(InvalidRequest, match='"few", "many"') as wrong:
        choose(models, "es", "en", "x" * 5_000)
    assert wrong.value.field == "model"
    assert len(wrong.value.message) < 200
    await models.close()


async def test_an_error_stays_short_where_hundreds_of_languages_are_served_with_fake() -> None:
    codes = [chr(97 + i // 26) + chr(97 + i % 26) for i in range(400)]
    models = await loaded([FakeEngine(directions=[(code, "en") for code in codes if code != "en"])])
    with pytest.raises(UnsupportedLanguage, match=r"and \d+ more \(Translation.ListLanguages lists them\)") as caught:
        choose(models, "en", "kn")
    assert len(caught.value.message) < 250
    await models.close()


async def test_only_the_languages_asked_for_are_served_with_fake() -> None:
    models = await loaded([FakeEngine(directions=MANY)], "en-US", "kn-IN")
    assert [direction for direction, _ in models.served()] == [("en", "kn"), ("kn", "en")]
    with pytest.raises(UnsupportedLanguage):
        choose(models, "es", "en")
    await models.close()


async def test_a_language_that_no_model_has_ends_the_start_with_fake() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"MAATU_TRANSLATE_LANGUAGES: none of the models fake translates between ta, te and the others$",
    ):
        await loaded([FakeEngine(directions=MANY)], "en", "ta", "kn", "te")
