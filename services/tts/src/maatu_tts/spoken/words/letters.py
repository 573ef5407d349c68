"""Abbreviations, and the signs in addresses."""

ABBREVIATIONS = {
    "en": {
        "etc.": "et cetera",
        "e.g.": "for example",
        "i.e.": "that is",
        "vs.": "versus",
        "approx.": "approximately",
        "a.k.a.": "also known as",
    },
    "es": {"Ud.": "usted", "Uds.": "ustedes", "etc.": "etcétera", "p. ej.": "por ejemplo", "aprox.": "aproximadamente"},
    "fr": {"etc.": "et cetera", "p. ex.": "par exemple", "c.-à-d.": "c'est-à-dire", "env.": "environ"},
    "de": {
        "z. B.": "zum Beispiel",
        "z.B.": "zum Beispiel",
        "d. h.": "das heißt",
        "d.h.": "das heißt",
        "usw.": "und so weiter",
        "bzw.": "beziehungsweise",
        "ca.": "circa",
        "u. a.": "unter anderem",
        "u.a.": "unter anderem",
    },
    "it": {"ecc.": "eccetera", "ad es.": "ad esempio", "p. es.": "per esempio"},
    "pt": {"etc.": "etcétera", "p. ex.": "por exemplo", "aprox.": "aproximadamente"},
}
"""By ISO 639 code; each stands by itself."""

TITLES = {
    "en": {
        "Dr.": "Doctor",
        "Mr.": "Mister",
        "Mrs.": "Missus",
        "Prof.": "Professor",
        "Dr": "Doctor",
        "Mr": "Mister",
        "Mrs": "Missus",
    },
    "es": {
        "Sr.": "señor",
        "Sra.": "señora",
        "Srta.": "señorita",
        "Dr.": "doctor",
        "Dra.": "doctora",
        "Prof.": "profesor",
    },
    "fr": {"M.": "monsieur", "Mme": "madame", "Mlle": "mademoiselle", "Dr": "docteur", "Pr": "professeur"},
    "de": {"Dr.": "Doktor", "Hr.": "Herr", "Prof.": "Professor"},
    "it": {"Sig.": "signor", "Sig.ra": "signora", "Dott.": "dottor", "Dott.ssa": "dottoressa", "Prof.": "professor"},
    "pt": {"Sr.": "senhor", "Sra.": "senhora", "Dr.": "doutor", "Dra.": "doutora", "Prof.": "professor"},
    "kn": {"ಡಾ.": "ಡಾಕ್ಟರ್", "ಡಾ||": "ಡಾಕ್ಟರ್", "ಪ್ರೊ.": "ಪ್ರೊಫೆಸರ್"},
    "hi": {"डॉ.": "डॉक्टर", "डा.": "डॉक्टर", "प्रो.": "प्रोफ़ेसर"},
    "mr": {"डॉ.": "डॉक्टर", "प्रा.": "प्राध्यापक"},
    "te": {"డా.": "డాక్టర్", "ప్రొ.": "ప్రొఫెసర్"},
    "ml": {"ഡോ.": "ഡോക്ടർ"},
    "ta": {"திரு.": "திரு", "திருமதி.": "திருமதி"},
    "bn": {"ডা.": "ডাক্তার", "ড.": "ডক্টর", "ডঃ": "ডক্টর"},
    "gu": {"ડૉ.": "ડૉક્ટર", "ડો.": "ડૉક્ટર"},
    "pa": {"ਡਾ.": "ਡਾਕਟਰ"},
}
"""By ISO 639 code; each is one only before a name."""

ADDRESS_SIGNS = {
    "en": ("at", "dot"),
    "es": ("arroba", "punto"),
    "fr": ("arobase", "point"),
    "de": ("at", "Punkt"),
    "it": ("chiocciola", "punto"),
    "pt": ("arroba", "ponto"),
    "kn": ("ಅಟ್", "ಡಾಟ್"),
    "hi": ("ऐट", "डॉट"),
    "mr": ("ॲट", "डॉट"),
    "ta": ("அட்", "டாட்"),
    "te": ("ఎట్", "డాట్"),
    "ml": ("അറ്റ്", "ഡോട്ട്"),
    "bn": ("অ্যাট", "ডট"),
    "gu": ("ઍટ", "ડોટ"),
    "pa": ("ਐਟ", "ਡਾਟ"),
    "ur": ("ایٹ", "ڈاٹ"),
}
"""By ISO 639 code: @ and the full stop."""
