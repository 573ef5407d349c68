"""Hindi: the verb comes last, and most tenses end with a copula that nothing follows.

Bare participles ("गया", "करता") may be followed by that copula: they stay uncertain, or go on where no tense ends with them.
"""

from maatu_stt.engine.completeness.clauses import Converbs, VerbLast
from maatu_stt.engine.completeness.reading import Reading, endings, phrases
from maatu_stt.engine.completeness.rules import Numbers, Rules

_TRAILING = phrases(
    # Fillers.
    "मतलब यानी यानि उम्म अम्म हम्म जैसे_कि मतलब_कि",
    # Conjunctions and subordinators.
    "और या लेकिन मगर परंतु किंतु क्योंकि क्यूंकि कि अगर यदि जब जबकि ताकि बल्कि इसलिए तो हालांकि जैसे जो जिस जिसने",
    "जिसको जहां चूंकि",
    "एवं तथा अथवा चाहे भले तब_तक जब_तक",
    # Postpositions that a noun or a verb follows. "में", "पर", "से", "तक" end answers ("दिल्ली में"): not here.
    "ने को का की के की_ओर के_बारे के_बजाय के_अलावा के_द्वारा",
    # Determiners, possessives, degree: the noun or the adjective follows.
    "एक इस उस किस इन उन किसी हर मेरा मेरी मेरे तेरा तेरी हमारा हमारी हमारे तुम्हारा तुम्हारी तुम्हारे आपका आपकी",
    "आपके उसका उसकी उसके इसका इसकी इसके",
    "अपना अपनी अपने उनका उनकी उनके किसका किसकी बहुत थोड़ा थोड़ी काफी कुछ_और लगभग करीब सिर्फ केवल ज्यादा_से",
    # Subjects of transitive verbs and experiencers: the verb follows.
    "मैं मैंने हमने उसने आपने तुमने उन्होंने इन्होंने मुझे मुझको हमें उसे उसको उन्हें तुम्हें आपको कृपया",
)
# These await a copula, unless the sentence is negated: "वह नहीं आ रहा".
_AWAIT_COPULA = phrases(
    "रहा रही रहे सकता सकती सकते चाहता चाहती चाहते चुका चुकी चुके करता करती करते होता होती होते लगता लगती जाता जाती",
    "जाते रहता रहती रहते",
)
_NEGATIONS = phrases("नहीं मत ना न")

_converbs = Converbs(
    words=phrases("करके होके जाके आके लेके देके कर हुए_भी समय वक्त"),
    endings=endings(
        "ाकर ेकर ीकर ोकर सुनकर देखकर लिखकर पढ़कर मिलकर सोचकर बैठकर चलकर उठकर निकलकर समझकर रखकर पूछकर बोलकर कहकर",
        "पहुंचकर छोड़कर",
    ),
    exceptions=phrases("चाकर साकर दिवाकर प्रभाकर सुधाकर रत्नाकर"),
)


def _goes_on(reading: Reading) -> bool:
    if reading.last in _AWAIT_COPULA:
        return _NEGATIONS.isdisjoint(reading.words[-4:])
    return _converbs(reading)


RULES = Rules(
    trailing=_TRAILING,
    answers=phrases(
        "हां जी जी_हां हां_जी नहीं जी_नहीं ठीक_है ठीक अच्छा सही ओके धन्यवाद शुक्रिया थैंक_यू नमस्ते नमस्कार हेलो",
        "हैलो बस रुको रुकिए पता_नहीं मालूम_नहीं",
        "मुझे_नहीं_पता बिल्कुल बिलकुल ज़रूर सच हो_गया बाय अलविदा फिर_मिलेंगे माफ_कीजिए क्षमा_करें कोई_बात_नहीं चलो",
        "चलिए बंद_करो शुभ_रात्रि सुप्रभात कैसे_हो",
        "और_क्या बस_इतना_ही समझ_गया समझ_गई हां_ठीक_है मत_करो सही_है",
    ),
    closings=phrases("धन्यवाद शुक्रिया थैंक_यू अलविदा"),
    goes_on=_goes_on,
    is_clause=VerbLast(
        particles=phrases("ना न क्या"),
        finite=phrases(
            # Copulas.
            "है हैं हूं था थी थे थीं होगा होगी होंगे होगी_क्या है_न है_ना है_क्या हैं_क्या हूं_क्या था_क्या",
            "कैसे_हो कैसी_हो रहे_हो रही_हो तुम_हो चाहते_हो करते_हो जानते_हो सकते_हो कौन_हो कहां_हो ठीक_हो आते_हो",
            "जाते_हो हो_क्या हो_तुम हैं_आप है_यह है_ये है_वह है_वो",
            # Need, and the auxiliaries of future and subjunctive that stand alone.
            "चाहिए चाहिये चाहिए_क्या चाहिए_था पड़ेगा पड़ेगी सकूं सकें करूं करें जाऊं जाएं दूं लूं रहूं होऊं बताऊं",
            # Commands, familiar and polite.
            "करो कीजिए कीजिये करिए दो दीजिए दीजिये लो लीजिए लीजिये जाओ जाइए आओ आइए सुनो सुनिए देखो देखिए बोलो",
            "बोलिए बताओ बताइए बताइये रुको रुकिए लाओ",
            "लाइए चलो चलिए रखो रखिए भेजो भेजिए खोलो खोलिए पढ़ो लिखो समझाओ समझाइए दिखाओ दिखाइए लगाओ लगाइए बनाओ",
            "सुनाओ सुनाइए उठाओ हटाओ मिलाओ पूछो कहो",
            "छोड़ो बैठो बैठिए ढूंढो खोजो दो_ना करो_ना",
        ),
        finite_endings=endings(
            "ूंगा ूंगी ऊंगा ऊंगी ेंगे ेंगी एंगे एंगी ेगा ेगी एगा एगी ोगे ोगी ओगे ओगी िएगा िए इए इएगा इये ाओ",
        ),
        not_finite=phrases("इसलिए लिए के_लिए दिए किए जिए नज़रिए चाहे"),
    ),
    numbers=Numbers(
        digits=phrases(
            "शून्य जीरो ज़ीरो एक दो तीन चार पांच पाँच छह छः छे सात आठ नौ डबल वन टू थ्री फोर फाइव सिक्स सेवन एट",
            "नाइन",
        ),
        others=phrases(
            "दस ग्यारह बारह तेरह चौदह पंद्रह बीस पच्चीस तीस चालीस पचास साठ सत्तर अस्सी नब्बे सौ हजार हज़ार लाख",
            "करोड़ साढ़े सवा पौने",
        ),
        dictated={
            **dict.fromkeys(phrases("पिन पिनकोड ओटीपी कोड"), 6),
            **dict.fromkeys(
                phrases(
                    "फोन_नंबर मोबाइल_नंबर मेरा_नंबर आपका_नंबर खाता_संख्या अकाउंट_नंबर नंबर_है खाता_नंबर कार्ड_नंबर",
                    "आधार_नंबर फ़ोन_नंबर",
                ),
                10,
            ),
        },
        dates=phrases("जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर"),
    ),
)
