"""How well the words of a transcript tell whether the person is done: whole sentences, and the same cut at every word.

    python bench/stt_completeness.py [LANGUAGE=FILE …]

Each FILE holds one whole sentence a line. Without any, the sentences below and those of tests/data/translate_es_en.tsv are
measured. They were written without a look at the rules, but after the first runs rules were corrected: they tell how the rules do
on everyday sentences, not on texts never seen (the docstring of the package has such).

A cut sentence counts as one that goes on, although many are whole ("I can't come today" of "I can't come today because …"): the
share of cut sentences that read complete is an upper bound of what cuts people off. They are judged twice, with a full stop, as
Whisper writes it, and without any punctuation.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from figures import Figure, publish

from maatu_stt.engine.completeness import Completeness, completeness

PAIRS = Path(__file__).resolve().parent.parent / "tests" / "data" / "translate_es_en.tsv"
_PUNCTUATION = re.compile(r"[.,;:!?।¿¡…。、？！]+")
_GOES_ON = (",", ";", ":")
SENTENCES = {
    "en": (
        "Where did you put the car keys?",
        "My daughter starts school next week.",
        "Is there a pharmacy open on Sundays?",
        "I can't come today because my car broke down.",
        "How long does the bread have to stay in the oven?",
        "We moved to this city three years ago.",
        "Set an alarm for six in the morning.",
        "What should I wear to the wedding?",
        "The train to London leaves from platform two.",
        "Could you turn the music down a bit?",
        "I have an appointment with the dentist on Friday.",
        "When does the supermarket close today?",
        "My phone doesn't charge anymore.",
        "He told me that he would call back later.",
        "Which bus goes to the city centre?",
        "I think we should leave before it gets dark.",
        "Remind me to water the plants tonight.",
        "Why is the sky blue?",
        "She has been learning the piano since she was six.",
        "Can I pay with my credit card?",
        "There is a problem with my last bill.",
        "Tell me a story about a dragon.",
        "I'd like to speak to somebody about my contract.",
        "Do I need a visa for Japan?",
        "The children are playing in the garden.",
        "It was raining when we arrived at the hotel.",
        "How much does a ticket to the museum cost?",
        "I forgot to buy milk.",
        "You can park your car behind the house.",
        "Have you ever been to India?",
    ),
    "es": (
        "¿Dónde has puesto las llaves del coche?",
        "Mi hija empieza el colegio la semana que viene.",
        "No puedo ir hoy porque se me ha roto el coche.",
        "¿A qué hora cierra el supermercado hoy?",
        "Tengo una cita con el dentista el viernes.",
        "Pon una alarma a las seis de la mañana.",
        "Creo que deberíamos salir antes de que anochezca.",
        "¿Cuánto cuesta la entrada al museo?",
        "Los niños están jugando en el jardín.",
        "Hay un problema con mi última factura.",
        "¿Necesito un visado para viajar a Japón?",
        "Me olvidé de comprar leche.",
    ),
    "kn": (
        "ಕಾರಿನ ಕೀಲಿಯನ್ನು ಎಲ್ಲಿ ಇಟ್ಟಿದ್ದೀರಿ?",
        "ನನ್ನ ಮಗಳು ಮುಂದಿನ ವಾರ ಶಾಲೆಗೆ ಸೇರುತ್ತಾಳೆ.",
        "ನನ್ನ ಕಾರು ಕೆಟ್ಟು ಹೋಗಿದೆ ಅದಕ್ಕೆ ಇವತ್ತು ಬರೋಕೆ ಆಗಲ್ಲ.",
        "ಇವತ್ತು ಅಂಗಡಿ ಎಷ್ಟು ಗಂಟೆಗೆ ಮುಚ್ಚುತ್ತದೆ?",
        "ಶುಕ್ರವಾರ ನನಗೆ ವೈದ್ಯರ ಭೇಟಿ ಇದೆ.",
        "ಬೆಳಿಗ್ಗೆ ಆರು ಗಂಟೆಗೆ ಅಲಾರಂ ಇಡಿ.",
        "ಕತ್ತಲಾಗುವ ಮೊದಲು ನಾವು ಹೊರಡಬೇಕು ಅಂತ ಅನ್ಸುತ್ತೆ.",
        "ಮಕ್ಕಳು ತೋಟದಲ್ಲಿ ಆಟ ಆಡುತ್ತಿದ್ದಾರೆ.",
        "ನಾವು ಮೂರು ವರ್ಷದ ಹಿಂದೆ ಈ ಊರಿಗೆ ಬಂದೆವು.",
        "ನನಗೆ ಒಂದು ಕಥೆ ಹೇಳಿ.",
        "ರೈತರಿಗೆ ಯಾವ ಯೋಜನೆಗಳು ಸಿಗುತ್ತವೆ?",
        "ಹಾಲು ತರೋದನ್ನು ಮರೆತುಬಿಟ್ಟೆ.",
        "ನೀವು ಯಾವತ್ತಾದರೂ ಮೈಸೂರಿಗೆ ಹೋಗಿದ್ದೀರಾ?",
        "ನನ್ನ ಫೋನ್ ಚಾರ್ಜ್ ಆಗ್ತಾ ಇಲ್ಲ.",
        "ಬಿಲ್ ಬಗ್ಗೆ ಯಾರ ಹತ್ತಿರ ಮಾತಾಡಬೇಕು?",
        "ಅವರು ಆಮೇಲೆ ಫೋನ್ ಮಾಡ್ತೀನಿ ಅಂತ ಹೇಳಿದರು.",
    ),
    "hi": (
        "आपने गाड़ी की चाबी कहाँ रखी है?",
        "मेरी बेटी अगले हफ़्ते स्कूल जाएगी।",
        "मैं आज नहीं आ सकता क्योंकि मेरी गाड़ी ख़राब है।",
        "आज दुकान कितने बजे बंद होगी?",
        "शुक्रवार को मुझे डॉक्टर के पास जाना है।",
        "सुबह छह बजे का अलार्म लगाओ।",
        "मुझे लगता है कि हमें अँधेरा होने से पहले निकलना चाहिए।",
        "बच्चे बगीचे में खेल रहे हैं।",
        "हम तीन साल पहले इस शहर में आए थे।",
        "मुझे एक कहानी सुनाओ।",
        "मैं दूध लाना भूल गया।",
        "क्या आप कभी भारत गए हैं?",
        "मेरा फ़ोन चार्ज नहीं हो रहा है।",
        "उसने कहा कि वह बाद में फ़ोन करेगा।",
    ),
    "ta": (
        "கார் சாவியை எங்கே வைத்தீர்கள்?",
        "என் மகள் அடுத்த வாரம் பள்ளிக்கு போகிறாள்.",
        "இன்று கடை எத்தனை மணிக்கு மூடுவார்கள்?",
        "காலை ஆறு மணிக்கு அலாரம் வையுங்கள்.",
        "குழந்தைகள் தோட்டத்தில் விளையாடுகிறார்கள்.",
        "எனக்கு ஒரு கதை சொல்லுங்கள்.",
        "நான் பால் வாங்க மறந்துவிட்டேன்.",
        "என் போன் சார்ஜ் ஆகவில்லை.",
        "இருட்டுவதற்கு முன் நாம் கிளம்ப வேண்டும்.",
        "உங்களுக்கு தமிழ் தெரியுமா?",
    ),
    "te": (
        "కారు తాళాలు ఎక్కడ పెట్టారు?",
        "మా అమ్మాయి వచ్చే వారం బడికి వెళ్తుంది.",
        "ఈరోజు షాపు ఎన్ని గంటలకు మూస్తారు?",
        "ఉదయం ఆరు గంటలకు అలారం పెట్టండి.",
        "పిల్లలు తోటలో ఆడుకుంటున్నారు.",
        "నాకు ఒక కథ చెప్పండి.",
        "నేను పాలు తేవడం మర్చిపోయాను.",
        "నా ఫోన్ ఛార్జ్ అవ్వడం లేదు.",
        "చీకటి పడకముందే మనం బయలుదేరాలి.",
        "మీకు తెలుగు వచ్చా?",
    ),
    "ml": (
        "കാറിന്റെ താക്കോൽ എവിടെയാണ് വെച്ചത്?",
        "എന്റെ മകൾ അടുത്ത ആഴ്ച സ്കൂളിൽ പോകും.",
        "ഇന്ന് കട എത്ര മണിക്ക് അടയ്ക്കും?",
        "രാവിലെ ആറു മണിക്ക് അലാറം വെക്കൂ.",
        "കുട്ടികൾ പൂന്തോട്ടത്തിൽ കളിക്കുന്നു.",
        "എനിക്ക് ഒരു കഥ പറഞ്ഞു തരൂ.",
        "ഞാൻ പാൽ വാങ്ങാൻ മറന്നു.",
        "എന്റെ ഫോൺ ചാർജ് ആകുന്നില്ല.",
        "ഇരുട്ടുന്നതിനു മുമ്പ് നമുക്ക് പോകണം.",
        "നിങ്ങൾക്ക് മലയാളം അറിയാമോ?",
    ),
    "mr": (
        "गाडीची चावी कुठे ठेवली आहे?",
        "माझी मुलगी पुढच्या आठवड्यात शाळेत जाईल.",
        "आज दुकान किती वाजता बंद होणार आहे?",
        "सकाळी सहा वाजताचा गजर लावा.",
        "मुले बागेत खेळत आहेत.",
        "मला एक गोष्ट सांगा.",
        "मी दूध आणायला विसरलो.",
        "माझा फोन चार्ज होत नाही.",
        "अंधार पडण्यापूर्वी आपण निघायला हवे.",
        "तुम्हाला मराठी येते का?",
    ),
    "bn": (
        "গাড়ির চাবি কোথায় রেখেছেন?",
        "আমার মেয়ে আগামী সপ্তাহে স্কুলে যাবে।",
        "আজ দোকান কয়টায় বন্ধ হবে?",
        "সকাল ছয়টায় অ্যালার্ম দিন।",
        "বাচ্চারা বাগানে খেলছে।",
        "আমাকে একটা গল্প বলুন।",
        "আমি দুধ আনতে ভুলে গেছি।",
        "আমার ফোন চার্জ হচ্ছে না।",
        "অন্ধকার হওয়ার আগে আমাদের বের হতে হবে।",
        "আপনি কি বাংলা জানেন?",
    ),
    "gu": (
        "ગાડીની ચાવી ક્યાં મૂકી છે?",
        "મારી દીકરી આવતા અઠવાડિયે શાળાએ જશે.",
        "આજે દુકાન કેટલા વાગ્યે બંધ થશે?",
        "સવારે છ વાગ્યાનું એલાર્મ મૂકો.",
        "બાળકો બગીચામાં રમે છે.",
        "મને એક વાર્તા કહો.",
        "હું દૂધ લાવવાનું ભૂલી ગયો.",
        "મારો ફોન ચાર્જ થતો નથી.",
        "અંધારું થાય તે પહેલાં આપણે નીકળવું જોઈએ.",
        "તમને ગુજરાતી આવડે છે?",
    ),
    "pa": (
        "ਤੁਸੀਂ ਗੱਡੀ ਦੀ ਚਾਬੀ ਕਿੱਥੇ ਰੱਖੀ ਹੈ?",
        "ਮੇਰੀ ਧੀ ਅਗਲੇ ਹਫ਼ਤੇ ਸਕੂਲ ਜਾਵੇਗੀ।",
        "ਅੱਜ ਦੁਕਾਨ ਕਿੰਨੇ ਵਜੇ ਬੰਦ ਹੋਵੇਗੀ?",
        "ਸਵੇਰੇ ਛੇ ਵਜੇ ਦਾ ਅਲਾਰਮ ਲਗਾਓ।",
        "ਬੱਚੇ ਬਾਗ਼ ਵਿੱਚ ਖੇਡ ਰਹੇ ਹਨ।",
        "ਮੈਨੂੰ ਇੱਕ ਕਹਾਣੀ ਸੁਣਾਓ।",
        "ਮੈਂ ਦੁੱਧ ਲਿਆਉਣਾ ਭੁੱਲ ਗਿਆ।",
        "ਮੇਰਾ ਫ਼ੋਨ ਚਾਰਜ ਨਹੀਂ ਹੋ ਰਿਹਾ ਹੈ।",
        "ਸਾਨੂੰ ਹਨੇਰਾ ਹੋਣ ਤੋਂ ਪਹਿਲਾਂ ਨਿਕਲਣਾ ਚਾਹੀਦਾ ਹੈ।",
        "ਕੀ ਤੁਹਾਨੂੰ ਪੰਜਾਬੀ ਆਉਂਦੀ ਹੈ?",
    ),
    "fr": (
        "Où est-ce que tu as mis les clés de la voiture ?",
        "Ma fille commence l'école la semaine prochaine.",
        "À quelle heure ferme le supermarché aujourd'hui ?",
        "J'ai rendez-vous chez le dentiste vendredi.",
        "Mets un réveil à six heures du matin.",
        "Les enfants jouent dans le jardin.",
        "J'ai oublié d'acheter du lait.",
        "Il y a un problème avec ma dernière facture.",
        "Raconte-moi une histoire de dragon.",
        "Je pense qu'on devrait partir avant la nuit.",
    ),
    "de": (
        "Wo hast du die Autoschlüssel hingelegt?",
        "Meine Tochter kommt nächste Woche in die Schule.",
        "Ich kann heute nicht kommen, weil mein Auto kaputt ist.",
        "Wann schließt der Supermarkt heute?",
        "Ich habe am Freitag einen Termin beim Zahnarzt.",
        "Die Kinder spielen im Garten.",
        "Ich habe vergessen, Milch zu kaufen.",
        "Wie lange muss das Brot im Ofen bleiben?",
        "Wir sind vor drei Jahren in diese Stadt gezogen.",
        "Kannst du die Musik etwas leiser machen?",
    ),
    "pt": (
        "Onde você colocou as chaves do carro?",
        "Minha filha começa a escola na semana que vem.",
        "A que horas o supermercado fecha hoje?",
        "Tenho consulta com o dentista na sexta-feira.",
        "Coloque um alarme para as seis da manhã.",
        "As crianças estão brincando no jardim.",
        "Eu esqueci de comprar leite.",
        "Há um problema com a minha última conta.",
        "Acho que devemos sair antes de escurecer.",
        "Quanto custa a entrada do museu?",
    ),
    "it": (
        "Dove hai messo le chiavi della macchina?",
        "Mia figlia comincia la scuola la settimana prossima.",
        "A che ora chiude il supermercato oggi?",
        "Venerdì ho un appuntamento dal dentista.",
        "Metti una sveglia alle sei di mattina.",
        "I bambini giocano in giardino.",
        "Ho dimenticato di comprare il latte.",
        "C'è un problema con la mia ultima bolletta.",
        "Penso che dovremmo partire prima che faccia buio.",
        "Quanto costa il biglietto del museo?",
    ),
}


def cuts(sentence: str) -> Iterator[str]:
    """The sentence up to each of its words but the last."""
    words = sentence.split()
    for end in range(1, len(words)):
        yield " ".join(words[:end])


def share(texts: Sequence[str], language: str) -> Counter[Completeness]:
    """How many of the texts read how."""
    return Counter(completeness(text, language) for text in texts)


def measure(name: str, language: str, sentences: Sequence[str]) -> list[Figure]:
    """Figures of one set of sentences."""
    parts = [cut for sentence in sentences for cut in cuts(sentence)]
    # A comma is left as it is: Whisper writes none before a full stop.
    stopped = [part if part.endswith(_GOES_ON) else f"{part}." for part in parts]
    bare = [_PUNCTUATION.sub("", part) for part in parts]
    whole_bare = [_PUNCTUATION.sub("", sentence) for sentence in sentences]

    def percent(texts: Sequence[str], kind: Completeness) -> float:
        return round(100 * share(texts, language)[kind] / len(texts), 1)

    def row(what: str, texts: Sequence[str], kind: Completeness, target: str = "", met: bool | None = None) -> Figure:
        return Figure(f"{name}: {what}", percent(texts, kind), "%", target=target, met=met, runs=len(texts))

    is_english = language == "en"
    false_complete = percent(stopped, Completeness.COMPLETE)
    return [
        row(
            "whole, reads complete",
            sentences,
            Completeness.COMPLETE,
            "> 60" if is_english else "",
            percent(sentences, Completeness.COMPLETE) > 60 if is_english else None,
        ),
        row("whole without punctuation, complete", whole_bare, Completeness.COMPLETE),
        row("whole, seems to go on", sentences, Completeness.CONTINUES),
        row("cut, full stop, complete", stopped, Completeness.COMPLETE, "< 8", false_complete < 8),
        row("cut, no punctuation, complete", bare, Completeness.COMPLETE),
        row("cut, seems to go on", stopped, Completeness.CONTINUES),
    ]


def seconds_each(language: str, sentences: Sequence[str], runs: int = 20) -> float:
    """Time of one judgement, in the best of some runs: others work on this machine too."""
    best = float("inf")
    for _ in range(runs):
        began = time.perf_counter()
        for sentence in sentences:
            completeness(sentence, language)
        best = min(best, time.perf_counter() - began)
    return best / len(sentences)


def main(arguments: Sequence[str]) -> None:
    """Measures the files, or what there is without any."""
    sets = [(language, language, sentences) for language, sentences in SENTENCES.items()]
    pairs = [line.split("\t") for line in PAIRS.read_text().splitlines()]
    sets += [
        (f"{language}, {PAIRS.name}", language, tuple(pair[column] for pair in pairs))
        for column, language in enumerate(("en", "es"))
    ]
    if arguments:
        files = [argument.partition("=") for argument in arguments]
        sets = [(path, language, tuple(Path(path).read_text().splitlines())) for language, _, path in files]
    figures = [figure for name, language, sentences in sets for figure in measure(name, language, sentences)]
    slowest = max(seconds_each(language, sentences) for _, language, sentences in sets)
    figures.append(
        Figure("one judgement, slowest language", round(slowest * 1e6, 1), "us", target="<= 100", met=slowest <= 1e-4)
    )
    publish("stt_completeness", figures)


if __name__ == "__main__":
    main(sys.argv[1:])
