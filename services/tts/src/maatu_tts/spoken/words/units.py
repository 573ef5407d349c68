"""Units of measure."""

from maatu_tts.spoken.agreement import Noun

SYMBOLS = {
    "km": (
        "km",
        "kms",
        "Km",
        "किमी",
        "कि.मी.",
        "ಕಿ.ಮೀ.",
        "ಕಿ.ಮೀ",
        "ಕಿಮೀ",
        "கி.மீ.",
        "கி.மீ",
        "కి.మీ.",
        "కి.మీ",
        "കി.മീ.",
        "কিমি",
        "કિમી",
    ),
    "m": ("m", "मी."),
    "cm": ("cm", "सेमी", "से.मी.", "ಸೆಂ.ಮೀ.", "ಸೆಂ.ಮೀ"),
    "mm": ("mm", "मिमी", "मि.मी.", "ಮಿ.ಮೀ.", "ಮಿ.ಮೀ"),
    "kg": ("kg", "kgs", "Kg", "किग्रा", "कि.ग्रा.", "ಕೆ.ಜಿ.", "ಕೆ.ಜಿ", "ಕೆಜಿ"),
    "g": ("g", "gm", "gms"),
    "mg": ("mg",),
    "l": ("l", "L"),
    "ml": ("ml", "mL"),
    "°C": ("°C", "° C", "℃"),
    "°F": ("°F", "° F", "℉"),
    "°": ("°",),
    "km/h": ("km/h", "kmph", "kmh", "Kmph", "ಕಿ.ಮೀ/ಗಂ"),
    "MB": ("MB",),
    "GB": ("GB",),
}
"""How each unit is written."""
NEED_SPACE = frozenset({"m", "g", "l"})
"""After "5m" may be five million or five minutes; "5 m" is not in doubt."""


def _row(text: str) -> dict[str, Noun]:
    """Reads "one/many" for the units above in their order; a minus stands for none, an asterisk for the feminine, an angle
    bracket for words that come before the number."""
    nouns = {}
    for unit, part in zip(SYMBOLS, text.split(", "), strict=True):
        if part != "-":
            before, _, counted = part.rstrip("*").rpartition(" > ")
            one, _, many = counted.partition("/")
            nouns[unit] = Noun(one, many, feminine=part.endswith("*"), before=before)
    return nouns


UNITS = {
    "en": _row(
        "kilometre/kilometres, metre/metres, centimetre/centimetres, millimetre/millimetres, kilogram/kilograms, gram/grams, "
        "milligram/milligrams, litre/litres, millilitre/millilitres, degree Celsius/degrees Celsius, "
        "degree Fahrenheit/degrees Fahrenheit, degree/degrees, kilometre per hour/kilometres per hour, "
        "megabyte/megabytes, gigabyte/gigabytes"
    ),
    "es": _row(
        "kilómetro/kilómetros, metro/metros, centímetro/centímetros, milímetro/milímetros, kilo/kilos, gramo/gramos, "
        "miligramo/miligramos, litro/litros, mililitro/mililitros, grado Celsius/grados Celsius, "
        "grado Fahrenheit/grados Fahrenheit, grado/grados, kilómetro por hora/kilómetros por hora, "
        "megabyte/megabytes, gigabyte/gigabytes"
    ),
    "fr": _row(
        "kilomètre/kilomètres, mètre/mètres, centimètre/centimètres, millimètre/millimètres, kilo/kilos, gramme/grammes, "
        "milligramme/milligrammes, litre/litres, millilitre/millilitres, degré Celsius/degrés Celsius, "
        "degré Fahrenheit/degrés Fahrenheit, degré/degrés, kilomètre par heure/kilomètres par heure, "
        "mégaoctet/mégaoctets, gigaoctet/gigaoctets"
    ),
    "de": _row(
        "Kilometer, Meter, Zentimeter, Millimeter, Kilogramm, Gramm, Milligramm, Liter, Milliliter, Grad Celsius, "
        "Grad Fahrenheit, Grad, Kilometer pro Stunde, Megabyte, Gigabyte"
    ),
    "it": _row(
        "chilometro/chilometri, metro/metri, centimetro/centimetri, millimetro/millimetri, chilo/chili, grammo/grammi, "
        "milligrammo/milligrammi, litro/litri, millilitro/millilitri, grado Celsius/gradi Celsius, "
        "grado Fahrenheit/gradi Fahrenheit, grado/gradi, chilometro orario/chilometri orari, megabyte, gigabyte"
    ),
    "pt": _row(
        "quilômetro/quilômetros, metro/metros, centímetro/centímetros, milímetro/milímetros, quilo/quilos, grama/gramas, "
        "miligrama/miligramas, litro/litros, mililitro/mililitros, grau Celsius/graus Celsius, "
        "grau Fahrenheit/graus Fahrenheit, grau/graus, quilômetro por hora/quilômetros por hora, "
        "megabyte/megabytes, gigabyte/gigabytes"
    ),
    "kn": _row(
        "ಕಿಲೋಮೀಟರ್, ಮೀಟರ್, ಸೆಂಟಿಮೀಟರ್, ಮಿಲಿಮೀಟರ್, ಕಿಲೋಗ್ರಾಂ, ಗ್ರಾಂ, ಮಿಲಿಗ್ರಾಂ, ಲೀಟರ್, ಮಿಲಿಲೀಟರ್, ಡಿಗ್ರಿ ಸೆಲ್ಸಿಯಸ್, "
        "ಡಿಗ್ರಿ ಫ್ಯಾರನ್‌ಹೀಟ್, ಡಿಗ್ರಿ, ಗಂಟೆಗೆ > ಕಿಲೋಮೀಟರ್, ಮೆಗಾಬೈಟ್, ಗಿಗಾಬೈಟ್"
    ),
    "hi": _row(
        "किलोमीटर, मीटर, सेंटीमीटर, मिलीमीटर, किलोग्राम, ग्राम, मिलीग्राम, लीटर, मिलीलीटर, डिग्री सेल्सियस, "
        "डिग्री फ़ारेनहाइट, डिग्री, किलोमीटर प्रति घंटा, मेगाबाइट, गीगाबाइट"
    ),
    "mr": _row(
        "किलोमीटर, मीटर, सेंटीमीटर, मिलिमीटर, किलोग्रॅम, ग्रॅम, मिलिग्रॅम, लिटर, मिलिलिटर, अंश सेल्सिअस, "
        "अंश फॅरनहाइट, अंश, ताशी > किलोमीटर, मेगाबाइट, गिगाबाइट"
    ),
    "ta": _row(
        "கிலோமீட்டர், மீட்டர், சென்டிமீட்டர், மில்லிமீட்டர், கிலோகிராம், கிராம், மில்லிகிராம், லிட்டர், மில்லிலிட்டர், டிகிரி செல்சியஸ், "
        "டிகிரி ஃபாரன்ஹீட், டிகிரி, மணிக்கு > கிலோமீட்டர், மெகாபைட், ஜிகாபைட்"
    ),
    "te": _row(
        "కిలోమీటర్/కిలోమీటర్లు, మీటర్/మీటర్లు, సెంటీమీటర్/సెంటీమీటర్లు, మిల్లీమీటర్/మిల్లీమీటర్లు, కిలోగ్రాము/కిలోగ్రాములు, "
        "గ్రాము/గ్రాములు, మిల్లీగ్రాము/మిల్లీగ్రాములు, లీటర్/లీటర్లు, మిల్లీలీటర్/మిల్లీలీటర్లు, డిగ్రీ సెల్సియస్/డిగ్రీల సెల్సియస్, "
        "డిగ్రీ ఫారెన్‌హీట్/డిగ్రీల ఫారెన్‌హీట్, డిగ్రీ/డిగ్రీలు, గంటకు > కిలోమీటర్/కిలోమీటర్లు, మెగాబైట్/మెగాబైట్లు, గిగాబైట్/గిగాబైట్లు"
    ),
    "ml": _row(
        "കിലോമീറ്റർ, മീറ്റർ, സെന്റിമീറ്റർ, മില്ലിമീറ്റർ, കിലോഗ്രാം, ഗ്രാം, മില്ലിഗ്രാം, ലിറ്റർ, മില്ലിലിറ്റർ, ഡിഗ്രി സെൽഷ്യസ്, "
        "ഡിഗ്രി ഫാരൻഹീറ്റ്, ഡിഗ്രി, മണിക്കൂറിൽ > കിലോമീറ്റർ, മെഗാബൈറ്റ്, ജിഗാബൈറ്റ്"
    ),
    "bn": _row(
        "কিলোমিটার, মিটার, সেন্টিমিটার, মিলিমিটার, কিলোগ্রাম, গ্রাম, মিলিগ্রাম, লিটার, মিলিলিটার, ডিগ্রি সেলসিয়াস, "
        "ডিগ্রি ফারেনহাইট, ডিগ্রি, ঘণ্টায় > কিলোমিটার, মেগাবাইট, গিগাবাইট"
    ),
    "gu": _row(
        "કિલોમીટર, મીટર, સેન્ટિમીટર, મિલિમીટર, કિલોગ્રામ, ગ્રામ, મિલિગ્રામ, લિટર, મિલિલિટર, ડિગ્રી સેલ્સિયસ, "
        "ડિગ્રી ફેરનહીટ, ડિગ્રી, કિલોમીટર પ્રતિ કલાક, મેગાબાઇટ, ગીગાબાઇટ"
    ),
    "pa": _row(
        "ਕਿਲੋਮੀਟਰ, ਮੀਟਰ, ਸੈਂਟੀਮੀਟਰ, ਮਿਲੀਮੀਟਰ, ਕਿਲੋਗ੍ਰਾਮ, ਗ੍ਰਾਮ, ਮਿਲੀਗ੍ਰਾਮ, ਲੀਟਰ, ਮਿਲੀਲੀਟਰ, ਡਿਗਰੀ ਸੈਲਸੀਅਸ, "
        "ਡਿਗਰੀ ਫਾਰਨਹੀਟ, ਡਿਗਰੀ, ਕਿਲੋਮੀਟਰ ਪ੍ਰਤੀ ਘੰਟਾ, ਮੈਗਾਬਾਈਟ, ਗੀਗਾਬਾਈਟ"
    ),
    "ur": _row(
        "کلومیٹر, میٹر, سینٹی میٹر, ملی میٹر, کلوگرام, گرام, ملی گرام, لیٹر, ملی لیٹر, ڈگری سیلسیس, "
        "ڈگری فارن ہائیٹ, ڈگری, کلومیٹر فی گھنٹہ, میگا بائٹ, گیگا بائٹ"
    ),
}
"""By ISO 639 code and unit."""
