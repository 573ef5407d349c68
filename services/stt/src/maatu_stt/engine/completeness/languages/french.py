"""French: the verb comes early; elided words ("l'", "qu'") and "ne" announce what follows."""

from maatu_stt.engine.completeness.clauses import VerbEarly
from maatu_stt.engine.completeness.reading import Reading, phrases
from maatu_stt.engine.completeness.rules import Numbers, Rules

_TRAILING = phrases(
    # Fillers.
    "euh heu ben bah du_coup c'est-à-dire en_fait_euh",
    # Articles, determiners, possessives.
    "le la les un une des du au aux mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs ce cet cette",
    "ces chaque",
    "quelques plusieurs quel quelle quels quelles de_la d'un d'une",
    # Conjunctions, subordinators, relatives. "quand", "comment", "où" and "quoi" also close questions.
    "et ou mais car donc que si parce_que puisque lorsque dès_que pour_que afin tandis_que alors_que comme qui",
    "dont ni lequel",
    # Prepositions. "avec", "pour" and "contre" end spoken sentences ("je suis pour"), seldom.
    "à de en dans par pour sans sur sous chez vers entre depuis pendant avec dès malgré selon jusqu'à près_de",
    "à_côté_de",
    # Subject pronouns and clitics before a verb.
    "je tu il ils on ne me te se y_a il_y_a je_ne",
    # Auxiliaries and modals.
    "j'ai as ont est sont suis es avons avez sommes êtes était étaient avait sera veux_que c'est j'aimerais",
    "je_voudrais",
    "je_vais tu_vas on_va vais peux peut pouvez voudrais est-ce est-ce_que qu'est-ce qu'est-ce_que très trop_de",
    "plus_de",
)
_ANSWERS = phrases(
    "oui non merci merci_beaucoup bonjour bonsoir salut d'accord ok okay bien très_bien parfait exactement exact",
    "voilà super",
    "bien_sûr pas_du_tout au_revoir à_bientôt à_demain bonne_nuit bonne_journée s'il_vous_plaît je_sais",
    "je_ne_sais_pas",
    "je_sais_pas ça_va c'est_bon c'est_tout c'est_ça stop arrête attends un_instant comment_ça_va",
    "quelle_heure_est-il",
    "pourquoi_pas non_merci oui_merci je_crois moi_aussi de_rien pardon désolé qui_est-ce c'est_combien",
)
_FINITE = phrases(
    "est sont suis es êtes sommes était étaient étais sera serait ai as a avons avez ont avait avais j'ai c'est",
    "c'était j'avais",
    "vais vas va allons allez vont veux veut voulez voulons voudrais j'aimerais aimerais peux peut pouvez pouvons",
    "pourriez dois",
    "doit devez devons faut sais sait savez fais fait faites font dis dit viens vient venez prends prend crois",
    "croit pense penses",
    "habite travaille mange bois aime aimes j'aime j'habite voudrait pourrait cherche cherchez préfère préfères",
    "connais comprends",
    "comprend marche coûte ouvre ferme part arrive mets allume éteins montre donne dites appelle envoie explique",
    "réserve joue",
    "commence commencent jouent raconte-moi montre-moi donne-moi dis-moi aide-moi rappelle-moi réveille-moi n'ai",
    "n'a n'est n'aime n'y j'étais j'aurais s'appelle m'appelle t'appelles vous_appelez l'ai l'a d'être",
    "avez-vous pouvez-vous",
    "peux-tu est-il est-elle as-tu y_a voulez-vous puis-je veux-tu êtes-vous vas-tu s'est parle parlez parles",
    "reste dure vois",
)
_OPEN = phrases(
    "avant après la_semaine le_mois veux voulez dois fais fait faire prends prendre avoir être aller acheter",
    "trouver mettre donner dire dit",
    "changer réserver",
    "annuler chercher cherche préfère aime aimes j'aime voir demander envoyer montrer expliquer savoir besoin",
    "envie petit petite",
    "grand grande bon bonne nouveau nouvelle premier première deuxième dernier dernière prochain prochaine autre",
    "autres même",
    "mêmes tout toute tous toutes beaucoup peu deux trois quatre cinq six sept huit neuf dix vieux belle beau",
    "jolie mauvais plus",
    "moins aussi encore déjà toujours jamais peut-être alors puis enfin bon quand comment où quoi combien elle",
    "elles nous vous",
    "fin début côté date nom numéro prix sorte type partie table fois chose truc billet pense crois trop va vont",
    "allez faut lui",
)


def _goes_on(reading: Reading) -> bool:
    return reading.last in ("l", "d", "qu", "j", "c", "n", "s", "m", "t", "jusqu", "lorsqu", "puisqu", "quelqu")


RULES = Rules(
    trailing=_TRAILING,
    answers=_ANSWERS,
    closings=phrases("merci s'il_vous_plaît s'il_te_plaît au_revoir à_bientôt merci_beaucoup"),
    goes_on=_goes_on,
    is_clause=VerbEarly(
        statement_words=6,
        finite=_FINITE,
        open_words=_OPEN,
        question_openers=phrases(
            "que qui quand comment où pourquoi combien quel quelle quels quelles à_quelle est-ce qu'est-ce",
            "avez-vous pouvez-vous",
            "peux-tu est-il est-elle as-tu voulez-vous puis-je veux-tu êtes-vous tu_peux vous_pouvez tu_as",
            "vous_avez d'où",
        ),
        question_prepositions=phrases("à"),
        lead_ins=phrases("et mais alors bon ben oui non bonjour salut ah oh euh donc enfin ok"),
        subordinators=phrases("si quand parce lorsque puisque comme bien_que"),
        closers=phrases(
            "aujourd'hui demain hier maintenant ici là soir matin semaine mois année jours heures minutes euros",
            "bientôt ensemble",
            "pas rien personne maison lundi mardi mercredi jeudi vendredi samedi dimanche après-midi nuit ans tard",
        ),
    ),
    numbers=Numbers(
        digits=phrases("zéro un deux trois quatre cinq six sept huit neuf tiret double"),
        others=phrases(
            "dix onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante quatre-vingt",
            "quatre-vingts",
            "cent cents mille million virgule",
        ),
        dictated={
            **dict.fromkeys(("code", "code postal"), 5),
            **dict.fromkeys(
                (
                    "mon numéro",
                    "numéro est",
                    "numéro c'est",
                    "de téléphone",
                    "de compte",
                    "de carte",
                    "de commande",
                    "de client",
                    "de dossier",
                ),
                10,
            ),
        },
        dates=phrases("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    ),
)
