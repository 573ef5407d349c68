"""What Whisper says when nobody speaks.

It learnt from subtitles of videos, which end with a farewell and the name of whoever wrote them while nothing but music
is heard. So it answers silence and noise with just that, in any language. The phrases are those that are reported again
and again (Barański et al. 2025, arXiv 2501.11378; openai/whisper discussion 679; Vexa-ai/vexa issues 155 and 617), and
those that tiny.en and base say to the sounds of bench/sounds.py.

Being here is no proof: "Thank you." is a common answer. `guards` weighs it against what else is known.
"""

import re
import unicodedata

STOCK_PHRASES: dict[str, tuple[str, ...]] = {
    "en": (
        "you",
        "thank you",
        "thank you very much",
        "thank you so much",
        "thanks",
        "thanks for watching",
        "thank you for watching",
        "thank you so much for watching",
        "thanks for watching and I'll see you next time",
        "thanks for listening",
        "thank you for listening",
        "thank you for joining us",
        "thank you Mr. President",
        "please subscribe",
        "please subscribe to my channel",
        "subscribe to my channel",
        "like and subscribe",
        "don't forget to subscribe",
        "see you",
        "see you next time",
        "see you in the next video",
        "I'll see you next time",
        "I'll see you in the next video",
        "bye",
        "bye bye",
        "goodbye",
        "the end",
        "to be continued",
        "so",
        "oh",
        "okay",
        "I",
        "I'm",
        "I'm sorry",
        "I'm so sorry",
        "I'm not going to be able to do that",
        "I'm not going to be able to do it",
        "the",
        "and",
        "a",
    ),
    "ar": (
        "شكرا",
        "شكرا لكم",
        "شكرا للمشاهدة",
        "شكرا على المشاهدة",
        "اشتركوا في القناة",
        "لا تنسوا الاشتراك في القناة",
    ),
    "bn": ("ধন্যবাদ", "দেখার জন্য ধন্যবাদ"),
    "ca": ("gràcies", "moltes gràcies", "gràcies per veure el vídeo"),
    "cs": ("děkuji", "děkuji za pozornost", "děkujeme za pozornost", "díky za sledování"),
    "da": ("tak", "tak fordi du så med", "tak for at se med"),
    "de": (
        "danke",
        "vielen dank",
        "vielen dank fürs zuschauen",
        "danke fürs zuschauen",
        "vielen dank für die aufmerksamkeit",
        "bis zum nächsten mal",
        "tschüss",
    ),
    "el": ("ευχαριστώ", "σας ευχαριστώ", "ευχαριστώ που παρακολουθήσατε"),
    "es": (
        "gracias",
        "muchas gracias",
        "gracias por ver",
        "gracias por ver el video",
        "gracias por ver el vídeo",
        "suscríbete",
        "suscríbete al canal",
        "no olvides suscribirte",
        "hasta la próxima",
        "adiós",
    ),
    "fa": ("ممنون", "متشکرم", "با تشکر از شما"),
    "fi": ("kiitos", "kiitos kun katsoit", "kiitos katsomisesta"),
    "fr": (
        "merci",
        "merci beaucoup",
        "merci d'avoir regardé",
        "merci d'avoir regardé cette vidéo",
        "merci d'avoir regardé la vidéo",
        "merci à tous",
        "abonnez-vous",
        "n'oubliez pas de vous abonner",
        "à bientôt",
        "au revoir",
    ),
    "he": ("תודה", "תודה רבה", "תודה שצפיתם"),
    "hi": ("धन्यवाद", "बहुत धन्यवाद", "देखने के लिए धन्यवाद", "वीडियो देखने के लिए धन्यवाद", "सब्सक्राइब करें"),
    "hu": ("köszönöm", "köszönöm a figyelmet", "köszönöm, hogy megnézted"),
    "id": ("terima kasih", "terima kasih telah menonton", "jangan lupa subscribe"),
    "it": (
        "grazie",
        "grazie a tutti",
        "grazie per la visione",
        "grazie per aver guardato",
        "grazie per aver guardato il video",
        "iscriviti al canale",
        "alla prossima",
    ),
    "ja": (
        "ありがとうございました",
        "ありがとうございます",
        "ご視聴ありがとうございました",
        "ご視聴ありがとうございます",
        "ご清聴ありがとうございました",
        "最後までご視聴いただきありがとうございます",
        "チャンネル登録お願いします",
        "チャンネル登録をお願いいたします",
        "次の動画でお会いしましょう",
        "また次の動画でお会いしましょう",
        "おやすみなさい",
        "お疲れ様でした",
    ),
    "kn": ("ಧನ್ಯವಾದಗಳು", "ಧನ್ಯವಾದ", "ವೀಕ್ಷಿಸಿದ್ದಕ್ಕಾಗಿ ಧನ್ಯವಾದಗಳು", "ನಮಸ್ಕಾರ"),
    "ko": (
        "감사합니다",
        "고맙습니다",
        "시청해 주셔서 감사합니다",
        "시청해주셔서 감사합니다",
        "봐주셔서 감사합니다",
        "구독과 좋아요 부탁드립니다",
        "다음 영상에서 만나요",
    ),
    "ml": ("നന്ദി",),
    "mr": ("धन्यवाद",),
    "nl": ("bedankt", "dank je wel", "bedankt voor het kijken", "tot de volgende keer"),
    "no": ("takk", "takk for at du så på", "takk for at dere så på"),
    "pl": ("dziękuję", "dziękuję za uwagę", "dziękuję za oglądanie", "dziękuję za obejrzenie", "do zobaczenia"),
    "pt": ("obrigado", "obrigada", "muito obrigado", "obrigado por assistir", "inscreva-se no canal", "tchau"),
    "ro": ("mulțumesc", "vă mulțumim", "mulțumim pentru vizionare", "nu uitați să vă abonați"),
    "ru": (
        "спасибо",
        "спасибо за просмотр",
        "спасибо за внимание",
        "продолжение следует",
        "подписывайтесь на канал",
        "подпишитесь на канал",
        "до новых встреч",
        "всем пока",
    ),
    "sv": ("tack", "tack för att ni tittade", "tack för att du tittade"),
    "ta": ("நன்றி", "பார்த்ததற்கு நன்றி"),
    "te": ("ధన్యవాదాలు", "చూసినందుకు ధన్యవాదాలు"),
    "th": ("ขอบคุณครับ", "ขอบคุณค่ะ", "ขอบคุณที่รับชม"),
    "tr": ("teşekkürler", "teşekkür ederim", "izlediğiniz için teşekkürler", "abone olmayı unutmayın"),
    "uk": ("дякую", "дякую за увагу", "дякую за перегляд", "дякуємо за перегляд", "до зустрічі"),
    "ur": ("شکریہ",),
    "vi": ("cảm ơn", "cảm ơn các bạn đã theo dõi", "cảm ơn các bạn đã xem", "hãy đăng ký kênh", "hẹn gặp lại"),
    "zh": (
        "谢谢",
        "謝謝",
        "谢谢大家",
        "谢谢观看",
        "謝謝觀看",
        "謝謝收看",
        "感谢观看",
        "感謝觀看",
        "多谢您的观看",
        "请订阅",
        "請訂閱",
        "下期再见",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
    ),
}
"""Whole transcripts by language. People say most of them too."""

CREDITS: dict[str, tuple[str, ...]] = {
    "": ("amara.org", "www."),
    "ar": ("ترجمة نانسي قنقر",),
    "cs": ("titulky vytvořil",),
    "de": (
        "untertitel im auftrag des zdf",
        "untertitelung des zdf",
        "untertitelung im auftrag des zdf",
        "copyright wdr",
    ),
    "en": ("subtitles by", "subtitled by", "captions by", "captioned by", "transcription by", "transcribed by"),
    "es": ("subtítulos realizados por", "subtítulos por", "subtitulado por"),
    "fr": ("sous-titres réalisés", "sous-titrage st' 501", "sous-titrage société radio-canada", "soustitreur.com"),
    "it": ("sottotitoli e revisione a cura di", "sottotitoli creati dalla comunità", "sottotitoli a cura di"),
    "ja": ("字幕by", "字幕をご視聴"),
    "ko": ("mbc 뉴스", "kbs 뉴스", "자막 제공", "한글자막 by"),
    "nl": ("ondertiteld door", "ondertiteling door", "ondertitels ingediend door"),
    "pl": ("napisy stworzone przez",),
    "pt": ("legendas pela comunidade", "legendas por"),
    "ru": ("субтитры сделал", "субтитры создавал", "субтитры подготовил", "редактор субтитров", "dimatorzok"),
    "sv": ("undertexter från", "textning av"),
    "tr": ("altyazı m.k", "altyazı çevirmeni"),
    "uk": ("субтитрувальниця", "субтитри підготував", "редактор субтитрів"),
    "vi": ("phụ đề được thực hiện bởi",),
    "zh": ("字幕由", "字幕志愿者", "字幕by", "字幕組"),
}
"""Beginnings and parts of credits by language. Hardly anyone says them in a conversation."""

_DOTS = {ord("ı"): "i", 0x0307: None}
"""Turkish has an i with and one without a dot, and its capitals are not what other languages make of them."""
_SENTENCE_END = re.compile(r"[.!?…。！？।，、,]+")


def spelling(text: str) -> str:
    """The text as phrases are compared: letters, digits and vowel signs alone, in one case."""
    composed = unicodedata.normalize("NFKC", text).casefold().translate(_DOTS)
    return "".join(filter(is_spelling, composed))


def is_spelling(character: str) -> bool:
    """Letters, digits and the vowel signs of Indic scripts, which Python does not count among the letters."""
    return unicodedata.category(character)[0] in "LMN"


def is_stock_phrase(text: str) -> bool:
    """Whether the whole text is one of STOCK_PHRASES, or several of them in a row."""
    if spelling(text) in _STOCK_PHRASES:
        return True
    parts = [spelt for part in _SENTENCE_END.split(text) if (spelt := spelling(part))]
    return bool(parts) and all(part in _STOCK_PHRASES for part in parts)


def is_credit(text: str) -> bool:
    """Whether it names whoever made the subtitles."""
    spelt = spelling(text)
    return any(credit in spelt for credit in _CREDITS)


_STOCK_PHRASES = frozenset(spelling(phrase) for phrases in STOCK_PHRASES.values() for phrase in phrases)
_CREDITS = tuple(spelling(credit) for names in CREDITS.values() for credit in names)
